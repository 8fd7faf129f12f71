// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Writes that come short, each of them, of the head and of the worker: the kernel takes half of what
/// it is given, and says so (Tests/Tools/short_writes.py). Invariant 1.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ShortWriteTests {
    @Test(arguments: ["single", "split"])
    func everyWriteComesShortAndNoByteIsMissing(_ shape: String) async throws {
        try await Lab.run { lab in
            let job = try KillTests.job(lab)
            let counts = "\(lab.folder)/counts"
            let tool =
                #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
                + "/Tests/Tools/short_writes.py"
            let names = ["galaxy-head-node", "galaxy-worker-exec"]
            let ending = try await lab.head(
                "run",
                job,
                ["--json", "--set", "local.shape=\(shape)"],
                through: ["/usr/bin/python3", tool, "--count", counts]
                    + names.flatMap { ["--of", $0] }
            )
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            #expect(answer.failedTries == [])
            try await KillTests.expectResult(of: job, lab)
            let counted = Shell.text(counts)
            for name in names {
                for kind in ["file", "socket"] {
                    #expect(counted.contains("\(name) \(kind) "), "\(counted)")
                }
            }
        }
    }
}
