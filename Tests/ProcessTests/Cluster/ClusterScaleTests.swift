// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Many jobs at once: each comes back whole, and none costs more than alone.
@Suite(.processes, .serialized, .enabled(if: !TestCluster.isOff)) struct ClusterScaleTests {
    private static let count = 40

    private func jobs(_ lab: ClusterLab) throws -> [GalaxyJob] {
        try (1...Self.count)
            .map { number in
                try GalaxyJob(
                    id: "\(number)",
                    folder: "\(lab.lab.folder)/\(number)",
                    tool: "md5sum < \"$IN1\" > \"$OUT\"; cp \"$IN1\" copy; echo said \(number)",
                    image: "localhost/busybox:1",
                    shell: "/bin/sh"
                )
            }
    }

    /// All came back, byte by byte, from one Job, one pod and one attempt each.
    private func expectAll(
        _ jobs: [GalaxyJob],
        _ lab: ClusterLab
    ) async throws {
        for job in jobs {
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
            #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said \(job.id)\n")
        }
        #expect(try lab.jobs().count == jobs.count)
        #expect(try lab.pods().count == jobs.count)
        #expect(try await lab.lab.keys("started.json").count == jobs.count)
        #expect(try await lab.lab.keys("result.json").count == jobs.count)
    }

    @Test func fortyJobsThroughFortyHeads() async throws {
        try await ClusterLab.run { lab in
            let jobs = try jobs(lab)
            let heads = try jobs.map { try lab.start("run", $0) }
            for head in heads {
                let ending = try await head.ending(.forMany)
                let answer = try RunAnswer(ending)
                #expect(ending.status == 0, "\(answer.message) \(ending.errors)")
                #expect(answer.failedTries == [])
                // What a store or a cluster in trouble would make a head say. Forty at once may wait
                // for their turn to be connected.
                #expect(answer.notes.filter { !$0.hasSuffix("; trying again") } == [])
            }
            try await expectAll(jobs, lab)
        }
    }

    @Test func fortyJobsThroughOneServer() async throws {
        try await ClusterLab.run { lab in
            let jobs = try jobs(lab)
            let server = try ServedLab(lab.lab, lab.cluster.options(instance: lab.instance))
            for job in jobs { try server.submit(job) }
            try await Patience.forMany.wait("forty jobs to end") {
                try server.states().values.count { $0 == "ok" } == jobs.count
            }
            let notes = try server.lines().filter { $0.event == "note" }.compactMap(\.text)
            #expect(notes.filter { !$0.hasSuffix("; trying again") } == [], "\(notes)")
            try await expectAll(jobs, lab)
            try server.ask("shutdown", "{}")
            try await Patience.long.wait("the server to end") {
                try lab.lab.processes("galaxy-head-node serve").isEmpty
            }
        }
    }
}
