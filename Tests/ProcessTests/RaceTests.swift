// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Several heads, several workers, and cancels in between: one result, or none (F05, F46 and F53).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct RaceTests {
    @Test func aSecondHeadSaysWhoHasTheJob() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let first = try lab.start("run", job, ["--json"])
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let second = try await lab.head("run", job)
            #expect(second.status == 75)
            #expect(second.errors.contains("process \(first.pid)"), "\(second.errors)")
            #expect(second.errors.split(separator: "\n").count == 1)
            let status = try await lab.head("status", job)
            #expect(status.output.contains("running"), "\(status.output)\(status.errors)")
            try GalaxyJob.release(volume, "first")
            #expect(try await first.ending().status == 0)
            #expect(Shell.text(job.output) == "first\n")
        }
    }

    @Test func twoAttemptsAtOnceLeaveOneResult() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"])
            let own = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let other = try await HandMadeTry(lab, job)
            let worker = try other.start()
            let foreign = try await GalaxyJob.waitForTool { other.volume }
            try GalaxyJob.release(foreign, "foreign")
            let won = try await worker.ending()
            #expect(won.status == 0, "\(won.errors)")
            try GalaxyJob.release(own, "own")
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(Shell.text(job.output) == "foreign\n")
            #expect(try await lab.reports().count == 1, "the loser removes its own")
            #expect(try await lab.keys("/data/").count == 1)
            #expect(answer.failedTries == [])
        }
    }

    @Test func aTryOfAFinishedRunDoesNothing() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"])
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let late = try await HandMadeTry(lab, job)
            try GalaxyJob.release(volume, "own")
            try await head.ending()
            let keys = try await lab.keys()
            let ending = try await late.start().ending()
            #expect(ending.status == 0)
            #expect(ending.errors.contains("has a result already"))
            #expect(late.volume == nil, "nothing was fetched")
            #expect(try await lab.keys() == keys)
        }
    }

    @Test func cancelBeforeAnyTryEndsTheRun() async throws {
        try await Lab.run { lab in
            let job = try KillTests.job(lab)
            // A head that cannot submit: everything is staged, and no try can begin.
            let stuck = try await lab.head(
                "run",
                job,
                ["--set", "local.state_directory=/dev/null/none"]
            )
            #expect(stuck.status != 0, "\(stuck.errors)")
            let cancel = try await lab.head("cancel", job)
            #expect(cancel.status == 0, "\(cancel.errors)")
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "cancelled")
            #expect(try await lab.keys("started.json") == [])
            #expect(Shell.text(job.output) == "")
        }
    }

    @Test func cancelWhileTheToolRunsEndsEverything() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"])
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let cancel = try await lab.head("cancel", job)
            #expect(cancel.status == 0, "\(cancel.errors)")
            #expect(cancel.output.contains("cancelled"))
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "cancelled", "\(answer.ending?.message ?? "")")
            #expect(try lab.processes("galaxy-worker-exec") == [])
            #expect(Shell.text(job.output) == "")
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "")
            let again = try await lab.head("cancel", job)
            #expect(again.status == 0, "cancelling twice changes nothing: \(again.errors)")
        }
    }

    @Test func cancelAfterTheCommitSaysThatItIsTooLate() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
            let head = try lab.start("run", job, ["--json"])
            let moment = #""phase_began","phase":"collect""#
            try await Patience.long.wait("the collect") {
                head.output.contains(moment) || head.hasEnded
            }
            head.send(SIGKILL)
            try await head.ending()
            let cancel = try await lab.head("cancel", job)
            #expect(cancel.status == 0)
            #expect(cancel.output.contains("had committed"), "\(cancel.output)\(cancel.errors)")
            let collect = try await lab.head("collect", job)
            #expect(collect.status == 0, "\(collect.errors)")
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    /// Invariant 5: a node that comes back after the cancel commits nothing.
    @Test func aZombieThatGoesOnAfterTheCancelChangesNothing() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"])
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let zombie = try await HandMadeTry(lab, job)
            let worker = try zombie.start()
            let volume = try await GalaxyJob.waitForTool { zombie.volume }
            for pid in try lab.processes("hand-1") { kill(pid, SIGSTOP) }
            let cancel = try await lab.head("cancel", job)
            #expect(cancel.status == 0, "\(cancel.errors)")
            try await head.ending()
            let tree = try FileTree(job.directory)
            let keys = Set(try await lab.keys())
            try GalaxyJob.release(volume, "zombie")
            for pid in try lab.processes("hand-1") { kill(pid, SIGCONT) }
            let ending = try await worker.ending()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(ending.errors.contains("Another result"))
            let new = Set(try await lab.keys()).subtracting(keys)
            #expect(new == [], "the zombie has left \(new)")
            #expect(try FileTree(job.directory).differences(from: tree) == [])
        }
    }
}
