// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Invariant 3, for jobs that come at once.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ServeTogetherTests {
    @Test func whatManyJobsWantIsUploadedOnce() async throws {
        try await Lab.run { lab in
            let size: Int64 = 48 << 20
            let shared = "\(lab.folder)/genome.fa"
            try Shell.run("head -c \(size) /dev/zero > \(shared)")
            let sum = try Shell.run("md5sum < \(shared)")
            let jobs = try (1...6)
                .map { number in
                    let job = try GalaxyJob(
                        id: "\(number)",
                        folder: "\(lab.folder)/job-\(number)",
                        tool: "md5sum < \(shared) > \"$OUT\""
                    )
                    try job.write(
                        description: job.json.replacing(
                            #""inputs": ["#,
                            with: #""inputs": [{"path": "\#(shared)"},"#
                        )
                    )
                    return job
                }
            // A file that is younger has no record: others may not rely on it.
            try await Task.sleep(for: .seconds(2.1))
            let (serving, _) = try await Serving.begin(lab)
            for job in jobs { serving.send("submit", job) }
            var staged: Int64 = 0
            for job in jobs {
                let end = try await serving.hearEnd(of: job)
                #expect(end.state == "ok", "\(job.id): \(end.message ?? "")")
                #expect(Shell.text(job.output) == sum)
                staged += try #require(end.metrics?.phases["stage"]).bytes
            }
            #expect(staged >= size)
            #expect(staged < 2 * size, "and what is each job's own")
            try await serving.ask("shutdown")
            #expect(try await serving.program.ending().status == 0)
        }
    }
}
