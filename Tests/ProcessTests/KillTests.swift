// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Invariant 6: head and worker may be killed anywhere, any number of times, and the job ends with
/// the same result; the tool is run again only if its own try came to nothing (F03, F43 and F44).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct KillTests {
    /// What a head says when it is somewhere between staging and the end.
    static let moments = [
        #""event":"began""#, #""phase_began","phase":"stage""#, #""phase_ended""#,
        #""event":"submitted""#, #""phase":"fetch""#, #""event":"output""#,
        #""phase_began","phase":"collect""#,
    ]

    /// Makes the job slow enough to be met in each phase, and its result easy to know.
    ///
    /// - Parameter isGated: whether the tool waits to be let go, as `GalaxyJob.gated` does.
    static func job(
        _ lab: Lab,
        isGated: Bool = false,
        image: String? = nil
    ) throws -> GalaxyJob {
        let wait = "touch $TMPDIR/runs; while [ ! -e $TMPDIR/go ]; do sleep 0.05; done"
        let tool = """
            echo live; \(isGated ? wait : "sleep 0.6"); md5sum < "$IN1" > "$OUT"
            cp "$IN1" "$JOB/working/copy"; echo once > "$JOB/mark.$$.$RANDOM"
            """
        let job = try GalaxyJob(folder: lab.folder, tool: tool, image: image)
        try Shell.run("head -c 12000000 /dev/urandom > \(job.largeInput)")
        return job
    }

    /// Everything a run of `job` must have come to.
    static func expectResult(
        of job: GalaxyJob,
        _ lab: Lab
    ) async throws {
        #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
        try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        let marks = try Shell.run("ls \(job.directory) | grep -c ^mark")
        #expect(marks == "1\n", "results of one try only")
        #expect(Shell.text(job.exitCodeFile) == "0\n")
        let left = try Shell.run(
            "find \(job.folder)/galaxy -name '.galaxy_s3.*'; ls \(lab.folder)/state/tries"
        )
        #expect(left.isEmpty, "temporary files and tries are removed: \(left)")
        #expect(try lab.processes("galaxy-worker-exec") == [])
    }

    @Test(arguments: moments) func aKilledHeadIsTakenUpByTheNext(_ moment: String) async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let first = try lab.start("run", job, ["--json"])
            try await Patience.long.wait(moment) {
                first.output.contains(moment) || first.hasEnded
            }
            first.send(SIGKILL)
            let cut = try await first.ending()
            // A head that is done before the signal comes was not cut; the result counts all the same.
            guard cut.status != 0 else { return try await Self.expectResult(of: job, lab) }
            try #require(cut.status == 128 + SIGKILL, "\(cut.output)")
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            #expect(answer.isResumed == true)
            #expect(cut.output.contains(answer.run ?? "no run"))
            #expect(answer.failedTries == [])
            try await Self.expectResult(of: job, lab)
            #expect(try await lab.keys("started.json").count == 1, "the tool ran once")
        }
    }

    @Test func aHeadKilledAgainAndAgainComesToTheSameEnd() async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab)
            var generator = SeededGenerator(seed: 20_261_121)
            for _ in 0..<12 {
                let head = try lab.start("run", job, ["--json"])
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...400, using: &generator)))
                head.send(SIGKILL)
                // One that came to its end by then has begun no new run yet.
                if try await head.ending().status != 128 + SIGKILL { break }
            }
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            let text = try Shell.run("md5sum < \(job.largeInput)")
            #expect(Shell.text(job.output) == text)
        }
    }

    /// Ctrl-C at each moment; whoever ends services says SIGTERM.
    static let interruptions =
        moments.map { ($0, SIGINT) } + [(#""event":"output""#, SIGTERM)]

    @Test("F03", arguments: interruptions) func anInterruptedHeadSaysSoAndTheRunGoesOn(
        _ moment: String,
        signal: Int32
    ) async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab)
            let first = try lab.start("run", job, ["--json"])
            try await Patience.long.wait(moment) {
                first.output.contains(moment) || first.hasEnded
            }
            first.send(signal)
            let cut = try await first.ending()
            // A head that is done before the signal comes was not cut; the result counts all the same.
            guard cut.status != 0 else { return try await Self.expectResult(of: job, lab) }
            #expect(cut.status == 130, "\(cut.output.suffix(1000))\(cut.errors)")
            let answer = try RunAnswer(cut)
            #expect(answer.lines.filter { $0.event == "error" }.count == 1)
            #expect(answer.error?.code == "interrupted", "\(answer.error?.message ?? "")")
            for word in [answer.run ?? "no run", "galaxy-head-node run --job \(job.description)"] {
                #expect(answer.error?.message.map { $0.contains(word) } == true, "\(cut.output)")
            }
            #expect(answer.failedTries == [], "an interruption is no verdict on a try")
            let second = try await lab.run(job)
            #expect(second.status == 0, "\(second.answer.ending?.message ?? "")")
            #expect(second.answer.run == answer.run)
            try await Self.expectResult(of: job, lab)
            #expect(try await lab.keys("started.json").count == 1, "the tool ran once")
        }
    }

    @Test(arguments: ["fetch", "tool", "push"]) func aKilledWorkerIsFollowedByAnotherTry(
        _ phase: String
    ) async throws {
        try await Lab.run { lab in
            // A worker that is seen late on a busy machine is not gone by then.
            let isGated = phase != "push"
            let job = try Self.job(lab, isGated: isGated)
            if phase == "push" {
                let big = "head -c 200000000 /dev/zero > $JOB/working/big; "
                try Shell.run("sed -i '2a \(big)' \(job.directory)/tool_script.sh")
            }
            let head = try lab.start("run", job, ["--json"])
            let worker = try await lab.worker()
            try await Patience.long.wait(phase) {
                switch phase {
                case "tool": return head.output.contains(#""event":"output""#)
                case "push": return head.output.contains(#""phase":"push""#)
                default: return true
                }
            }
            kill(worker, SIGKILL)
            if isGated { try await letGo(job, lab) }
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            try #require(answer.failedTries.count == 1)
            #expect(answer.failedTries[0].contains("killed"))
            try await Self.expectResult(of: job, lab)
            try await expectOneWinner(lab)
        }
    }

    /// Lets the tool of the second try go on.
    private func letGo(
        _ job: GalaxyJob,
        _ lab: Lab
    ) async throws {
        try GalaxyJob.release(
            try await GalaxyJob.waitForTool { lab.volume(of: job, try: 2) },
            "again"
        )
    }

    /// A report names objects of its own attempt only.
    private func expectOneWinner(_ lab: Lab) async throws {
        let result = try #require(try await lab.keys("result.json").first)
        let text = try await lab.text(result)
        let (attempt, report) = try #require(
            try await lab.reports().first { text.contains($0.key) }
        )
        for part in report.split(separator: "\"") where part.contains("/data/") {
            #expect(part.contains(attempt))
        }
    }

    @Test func aKilledSupervisorTakesItsTryWithIt() async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab, isGated: true)
            let head = try lab.start("run", job, ["--json"])
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let worker = try await lab.worker()
            for pid in try lab.processes("local-supervisor") { kill(pid, SIGKILL) }
            try await Patience.long.wait("the sandbox to go") { kill(worker, 0) != 0 }
            try await letGo(job, lab)
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries.count == 1)
            try await Self.expectResult(of: job, lab)
        }
    }

    /// As when the machine goes down: nothing of the first try may get into the second.
    @Test func headAndSupervisorKilledTogetherBeginACleanTry() async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab)
            try Shell.run(
                "sed -i '2a echo early > $JOB/mark.$$.$RANDOM; sleep 4; rm $JOB/mark.$$.*' "
                    + "\(job.directory)/tool_script.sh"
            )
            let head = try lab.start("run", job, ["--json"])
            try await Patience.long.wait("the tool's mark") {
                guard let volume = lab.volume(of: job) else { return false }
                return try Shell.run("ls \(volume)").contains("mark.")
            }
            head.send(SIGKILL)
            for pid in try lab.processes("local-supervisor") { kill(pid, SIGKILL) }
            try await head.ending()
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
            #expect(answer.isResumed == true)
            #expect(answer.failedTries.count == 1)
            try await Self.expectResult(of: job, lab)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aWorkerToldToStopIsADisruption(
        _ signal: Int32
    ) async throws {
        try await Lab.run { lab in
            let job = try Self.job(lab, isGated: true)
            let head = try lab.start("run", job, ["--json", "--set", "retries=0"])
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            kill(try await lab.worker(), signal)
            try await letGo(job, lab)
            let answer = try RunAnswer(try await head.ending())
            #expect(answer.ending?.state == "ok", "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries == ["the try was told to stop"])
            try await Self.expectResult(of: job, lab)
            let reports = try await lab.reports()
            #expect(reports.count == 2, "invariant 4: the stopped attempt reports too")
        }
    }

    @Test func aStoppedMachineGoesOn() async throws {
        try await Lab.run { lab in
            // Without a gate a slow test finds the worker gone.
            let job = try Self.job(lab, isGated: true)
            let head = try lab.start("run", job, ["--json"])
            let worker = try await lab.worker()
            for pid in [worker, head.pid] {
                kill(pid, SIGSTOP)
                try await Task.sleep(for: .milliseconds(400))
                kill(pid, SIGCONT)
            }
            try GalaxyJob.release(
                try await GalaxyJob.waitForTool { lab.volume(of: job) },
                "again"
            )
            #expect(try await head.ending().status == 0)
            try await Self.expectResult(of: job, lab)
            #expect(try await lab.keys("started.json").count == 1)
        }
    }
}
