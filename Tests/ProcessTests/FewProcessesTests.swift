// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F09: whoever runs the head may have few processes, of which each thread is one.
@Suite(
    .processes,
    .enabled(if: !TestServer.isOff),
    .enabled("it takes root to become somebody else") { geteuid() == 0 }
)
struct FewProcessesTests {
    /// Where the head has too few itself, where its tries have, and where all have enough.
    @Test(arguments: [4, 6, 14, 24]) func itIsDoneOrSaidAndNoToolIsBlamed(_ count: Int) async throws
    {
        try await Lab.run { lab in
            let tool = #"cp "$IN1" copy; cat "$IN2" > "$OUT""#
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            // Nobody else's processes count.
            let user = "\(70_000 + count)"
            try Shell.run("chown -R \(user):\(user) \(lab.folder)")
            let somebody = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
            let head = try lab.start(
                "run",
                job,
                ["--json", "--set", "disruptions=2", "--set", "retries=2"],
                through: ["prlimit", "--nproc=\(count):\(count)"] + somebody
            )
            // One that cannot begin at all waits for a thread, which is libdispatch's way.
            for _ in 0..<200 where !head.hasEnded { try await Task.sleep(for: .milliseconds(100)) }
            let hasWaited = count < 24 && !head.hasEnded
            if hasWaited { head.send(SIGKILL) }
            let ending = try await head.ending()
            let said = ending.output + ending.errors
            let statuses: [Int32] = hasWaited ? [128 + SIGKILL] : [0, 1, 69, 71]
            #expect(statuses.contains(ending.status), "\(ending.status) \(said)")
            if count == 24 { #expect(ending.status == 0, "\(said)") }
            if !hasWaited, ending.status != 0 {
                #expect(said.contains("Raise the limit of processes"), "\(said)")
                #expect(!said.contains("tool_failed"), "\(said)")
                #expect(Shell.text(job.output) == "")
            }
            let next = try await lab.head("run", job, ["--json"], through: somebody)
            #expect(next.status == 0, "\(next.output)\(next.errors)")
            #expect(Shell.text(job.output) == "small\n")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        }
    }
}
