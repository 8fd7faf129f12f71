// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// `fetch`, `tool` and `push` in containers of their own, which hand over through files alone.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct SplitShapeTests {
    private static let split = ["--set", "local.shape=split"]

    @Test func aWholeJobGoesThroughThreeContainers() async throws {
        try await Lab.run { lab in
            let tool = "env | grep -c ^AWS_ > $OUT; cp $IN1 copy; echo said; exit 5"
            let job = try GalaxyJob(folder: lab.folder, tool: tool)
            let (status, answer) = try await lab.run(job, Self.split)
            #expect(status == 1)
            #expect(answer.ending?.exitCode == 5, "\(answer.ending?.message ?? "")")
            #expect(Shell.text(job.output) == "0\n")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said\n")
            try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        }
    }

    /// The tool's container dies as by the kernel's OOM killer; the one beside it learns by the lock.
    @Test func aToolContainerThatIsKilledIsReported() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"] + Self.split)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let tool = try await lab.worker(verb: "tool")
            kill(tool, SIGKILL)
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "failed")
            #expect(answer.ending?.exitCode == nil)
            #expect(answer.ending?.message.contains("killed") == true, "\(answer)")
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "waiting\n", "its logs came back")
        }
    }

    @Test(arguments: ["tool", "push"]) func aContainerToldToStopIsADisruption(
        _ verb: String
    ) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"] + Self.split)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            // An eviction tells all containers, in no order: the first that is told decides.
            kill(try await lab.worker(verb: verb), SIGTERM)
            if verb == "push" { kill(try await lab.worker(verb: "tool"), SIGTERM) }
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job, try: 2) }
            try GalaxyJob.release(volume, "second")
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries == ["the try was told to stop"])
            #expect(Shell.text(job.output) == "second\n")
        }
    }

    @Test func theVerbsByHandHandOverThroughFiles() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"] + Self.split)
            let own = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let hand = try await HandMadeTry(lab, job)
            let early = try await hand.start("push").ending()
            #expect(early.status == 64, "\(early.errors)")
            #expect(early.errors.contains("spec.json"))
            let toolEarly = try await hand.start("tool", hasCredentials: false).ending()
            #expect(toolEarly.status == 64, "\(toolEarly.errors)")
            #expect(try await hand.start("fetch").ending().status == 0)
            let push = try hand.start("push")
            let tool = try hand.start("tool", hasCredentials: false)
            let volume = try await GalaxyJob.waitForTool { hand.volume }
            #expect(!push.hasEnded)
            let second = try await hand.start("tool", hasCredentials: false).ending()
            #expect(second.status == 64)
            #expect(second.errors.contains("running already"), "\(second.errors)")
            try GalaxyJob.release(volume, "hand")
            #expect(try await tool.ending().status == 0)
            #expect(try await push.ending().status == 0)
            try GalaxyJob.release(own, "own")
            #expect(try await head.ending().status == 0)
            #expect(Shell.text(job.output) == "hand\n")
        }
    }
}
