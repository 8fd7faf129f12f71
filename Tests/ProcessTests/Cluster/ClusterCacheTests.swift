// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Pods that share reference data by way of a directory of their node, which is this machine.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterCacheTests {
    @Test(.timeLimit(.minutes(15))) func podsShareWhatTheirNodeHas() async throws {
        try await ClusterLab.run { lab in
            let place = NodeCacheTests.place(lab.lab)
            try Shell.run("mkdir \(place); chown 65532:65532 \(place); chmod 700 \(place)")
            let more = ["cache.path=\(place)"]
            for number in 1...2 {
                let job = try self.job(lab, number)
                let (status, answer) = try await lab.run(job, more: more)
                #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
                try NodeCacheTests.expectResult(of: job, lab.lab)
            }
            let cached = try await lab.lab.reports().values
                .map { $0.contains(#""cachedBytes":3000000"#) }
            #expect(cached.count == 2 && cached.filter { $0 }.count == 1)
            let kept = try Shell.run("cd \(place); ls; ls galaxy-s3-65532 | cut -c 1-6")
            #expect(kept == "galaxy-s3-65532\ninput-\nlock\n")
        }
    }

    /// One that the kubelet has made belongs to root: the worker says so, and does without.
    @Test func aDirectoryOfRootsFailsNoJob() async throws {
        try await ClusterLab.run { lab in
            let place = NodeCacheTests.place(lab.lab)
            let job = try self.job(lab, 1)
            let head = try lab.start("run", job, more: ["cache.path=\(place)"])
            let ending = try await head.ending()
            #expect(ending.status == 0, "\(ending.output)")
            #expect(ending.output.contains("cache cannot be used"), "\(ending.output)")
            try NodeCacheTests.expectResult(of: job, lab.lab)
        }
    }

    private func job(
        _ lab: ClusterLab,
        _ number: Int
    ) throws -> GalaxyJob {
        try NodeCacheTests.job(lab.lab, number, image: "localhost/glibc:1")
    }
}
