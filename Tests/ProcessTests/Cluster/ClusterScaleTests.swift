// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Many jobs at once: each comes back whole, and none costs more than alone.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterScaleTests {
    private static let count = 40

    @Test func fortyJobsThroughFortyHeads() async throws {
        try await ClusterLab.run { lab in
            var heads: [(job: GalaxyJob, head: RunningProgram)] = []
            for number in 1...Self.count {
                let job = try GalaxyJob(
                    id: "\(number)",
                    folder: "\(lab.lab.folder)/\(number)",
                    tool: "md5sum < \"$IN1\" > \"$OUT\"; cp \"$IN1\" copy; echo said \(number)",
                    image: "localhost/busybox:1",
                    shell: "/bin/sh"
                )
                heads.append((job, try lab.start("run", job)))
            }
            for (job, head) in heads {
                let ending = try await head.ending(.forMany)
                let answer = try RunAnswer(ending)
                #expect(ending.status == 0, "\(job.id): \(answer.message) \(ending.errors)")
                #expect(answer.failedTries == [], "\(job.id)")
                // What a store or a cluster in trouble would make a head say.
                #expect(answer.notes == [], "\(job.id)")
                try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
                #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
                #expect(Shell.text("\(job.outputs)/tool_stdout") == "said \(job.id)\n")
            }
            #expect(try lab.jobs().count == Self.count, "one Job each")
            #expect(try lab.pods().count == Self.count, "one pod each")
            #expect(try await lab.lab.keys("started.json").count == Self.count)
            #expect(try await lab.lab.keys("result.json").count == Self.count)
        }
    }
}
