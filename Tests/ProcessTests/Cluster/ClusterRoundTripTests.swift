// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// A job goes through real pods: files there, files back, whatever the tool ends with.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterRoundTripTests {
    @Test(arguments: ["split", "single"]) func everythingComesBack(_ shape: String) async throws {
        try await ClusterLab.run { lab in
            let job = try lab.job(
                """
                md5sum < "$IN1" > "$OUT"; mkdir -p "$OUT_FILES"; cat "$IN2" > "$OUT_FILES/a b"
                cp "$IN1" copy; echo said; echo complained >&2; id -u > who
                """
            )
            let (status, answer) = try await lab.run(job, shape: shape)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
            #expect(Shell.text("\(job.outputExtraFiles)/a b") == "small\n")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said\n")
            #expect(Shell.text("\(job.outputs)/tool_stderr") == "complained\n")
            #expect(Shell.text("\(job.working)/who") == "65532\n")
            #expect(try await lab.lab.keys("started.json").count == 1)
        }
    }

    @Test(arguments: ["split", "single"]) func aToolsExitCodeIsItsOwn(_ shape: String) async throws
    {
        try await ClusterLab.run { lab in
            let job = try lab.job("echo half > $OUT; echo out; exit 3")
            let (status, answer) = try await lab.run(job, shape: shape)
            #expect(status == 1)
            #expect(answer.ending?.state == "tool_failed", "\(answer.ending?.message ?? "")")
            #expect(answer.ending?.exitCode == 3)
            #expect(Shell.text(job.output) == "half\n")
            #expect(answer.failedTries == [], "a tool that fails is not run again")
        }
    }
}
