// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Many jobs through one `serve` on an API server that answers badly by chance, forgets, falls silent
/// and goes away, while half of the pods are evicted once, and the head is killed and begun again.
/// Invariants 2, 5 and 6, F90 and F91.
@Suite(.enabled(if: !TestServer.isOff)) struct FakeClusterSoakTests {
    @Test(arguments: ["1.20", "1.36"])
    func jobsOnAServerInTroubleRunOnceAndEndWell(version: String) async throws {
        var generator = Soak.begin("FakeClusterSoakTests, \(version)")
        var restarts = Soak.restarts
        try await FakeCluster.run(["--version", version]) { fake in
            let jobs = try (1...Soak.jobs)
                .map { number in
                    try GalaxyJob(
                        id: "\(number)",
                        folder: "\(fake.lab.folder)/job-\(number)",
                        tool: "true",
                        image: "localhost/none:1"
                    )
                }
            let runs = jobs.map { Soak.run(of: $0, &generator) }
            // The first pod of every other job.
            try fake.plays(
                """
                [{"job": "-[0-9]*[13579]-[0-9a-f]{16}-1$", "fails":
                  {"reason": "Evicted", "message": "The node was low on resource: memory."}}]
                """
            )
            let options = fake.options + ["--set", "disruptions=100"]
            var (serving, _) = try await Serving.begin(fake.lab, options)
            var begun = 0
            var ended: Set<Int> = []
            func submit(_ index: Int) {
                serving.send("submit", jobs[index], #","run":"\#(runs[index])""#)
            }
            while ended.count < jobs.count {
                let step = SoakStep(&generator)
                let more = min(jobs.count, begun + 4)
                (begun..<more).forEach(submit)
                begun = more
                try await Task.sleep(for: .milliseconds(step.pause))
                try fake.rules(step.serverStorm)
                for end in try serving.said
                where end.event == "state" && Serving.finalStates.contains(end.state ?? "") {
                    let index = jobs.firstIndex { $0.description == end.job }
                    guard let index, ended.insert(index).inserted else { continue }
                    let words = "\(jobs[index].id): \(end.message ?? "")"
                    #expect(end.state == "ok", "\(words) \(Soak.words)")
                }
                switch step.blow {
                case .killHead where restarts > 0:
                    restarts -= 1
                    serving.program.send(SIGKILL)
                    _ = try await serving.program.ending()
                    (serving, _) = try await Serving.begin(fake.lab, options)
                    (0..<begun).filter { !ended.contains($0) }.forEach(submit)
                // There is neither a worker here to be killed nor a disk.
                case .nothing, .killHead, .killWorker, .fillDisk: break
                }
                try #require(!serving.program.hasEnded, "\(serving.program.errors) \(Soak.words)")
            }
            try fake.rules("[]")
            for (index, job) in jobs.enumerated() {
                let output = Shell.text(job.output)
                #expect(output == "out of run \(runs[index])\n", "\(job.id) \(Soak.words)")
                let expected = index.isMultiple(of: 2) ? 2 : 1
                // What Galaxy shows of it, whichever of the heads has brought it to its end.
                let figures = Shell.text("\(job.directory)/galaxy_s3/figures.json")
                #expect(figures.contains("\"tries\":\(expected)"), "\(job.id): tries \(Soak.words)")
            }
            #expect(try await fake.lab.keys("/result.json").count == jobs.count)
            // A Job that has ended may be gone by now.
            let succeeded = try fake.counts().pods["Succeeded"] ?? 0
            #expect(succeeded <= jobs.count, "\(Soak.words)")
            serving.hangUp()
            #expect(try await serving.program.ending().status == 0)
        }
    }
}
