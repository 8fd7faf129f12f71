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

    /// The one beside it learns by the lock; it says nothing about the tool, so there is a new try.
    @Test func aToolContainerThatIsKilledFromOutsideIsADisruption() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"] + Self.split)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            kill(try await lab.worker(verb: "tool"), SIGKILL)
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job, try: 2) }
            try GalaxyJob.release(volume, "second")
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries == ["the try was told to stop"])
            #expect(Shell.text(job.output) == "second\n")
            let reports = try await lab.reports()
            #expect(reports.count == 2, "invariant 4: the killed attempt reports too")
        }
    }

    /// What hangs on the hand-over is out of the tool's reach, or does not matter.
    @Test(
        arguments: [
            "rm -rf /galaxy-s3/state/* /galaxy-s3/state/tool/*",
            "for f in spec.json fetched.json attempt.json tool.lock tool.ended; do"
                + " echo '{' > /galaxy-s3/state/$f; done",
            "rm -rf /galaxy-s3/state/tool/*; mkdir -p /galaxy-s3/state/tool/tool.json/x;"
                + " mkfifo /galaxy-s3/state/tool/tool.json.new; chmod 000 /galaxy-s3/state/tool",
            "mv /galaxy-s3/state /galaxy-s3/other; mv /galaxy-s3/state/tool /galaxy-s3/state/t",
        ],
        ["split", "single"]
    )
    func aToolCannotForgeTheHandOver(_ tool: String, shape: String) async throws {
        try await Lab.run { lab in
            let script = "(\(tool)) 2> /dev/null; sleep 0.3; echo kept > $OUT; exit 3"
            let job = try GalaxyJob(folder: lab.folder, tool: script)
            let (_, answer) = try await lab.run(job, ["--set", "local.shape=\(shape)"])
            #expect(answer.ending?.state == "tool_failed", "\(answer.ending?.message ?? "")")
            #expect(answer.ending?.exitCode == 3)
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "kept\n")
        }
    }

    @Test(arguments: [["push", "tool"], ["tool", "push"], ["tool"]])
    func aContainerToldToStopIsADisruption(_ told: [String]) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"] + Self.split)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            // An eviction tells all containers of a pod.
            var workers: [pid_t] = []
            for name in told { workers.append(try await lab.worker(verb: name)) }
            for worker in workers { kill(worker, SIGTERM) }
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
