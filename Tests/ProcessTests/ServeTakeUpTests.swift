// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// Runs that outlive the `serve` that began them, and what the next one makes of them.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ServeTakeUpTests {
    /// A tool that waits until it is let go.
    private func gated(_ lab: Lab, _ number: Int) throws -> GalaxyJob {
        let tool = """
            echo waiting; touch "$TMPDIR/runs"; echo once > "$JOB/mark.$$.$RANDOM"
            while [ ! -e "$TMPDIR/go" ]; do sleep 0.05; done
            cat "$TMPDIR/go" > "$OUT"
            """
        return try GalaxyJob(id: "\(number)", folder: "\(lab.folder)/job-\(number)", tool: tool)
    }

    @Test("F03: told to stop while a tool runs, it says nothing of an end, and ends well")
    func runsGoOnWhenItIsToldToStop() async throws {
        try await Lab.run { lab in
            let job = try gated(lab, 1)
            let (first, _) = try await Serving.begin(lab)
            let run = try #require(try await first.ask("submit", job).result?.run)
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            try await first.hear(job, "running")
            first.program.send(SIGTERM)
            let ending = try await first.program.ending()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try first.states(of: job) == ["staging", "queued", "running"])
            #expect(!ending.errors.contains(#""level":"error""#), "\(ending.errors)")
            #expect(try !lab.processes("/galaxy-s3/galaxy-worker-exec").isEmpty, "the tool goes on")
            let (second, _) = try await Serving.begin(lab)
            try await second.ask("submit", job, #","run":"\#(run)""#)
            try await second.hear(job, "running")
            try GalaxyJob.release(volume, "taken up")
            #expect(try await second.hearEnd(of: job).state == "ok")
            #expect(Shell.text(job.output) == "taken up\n")
            #expect(try Shell.run("ls \(job.directory) | grep -c ^mark") == "1\n", "ran once")
        }
    }

    @Test func runsGoOnWhenStandardInputEndsAndAreTakenUp() async throws {
        try await Lab.run { lab in
            let job = try gated(lab, 1)
            let (first, _) = try await Serving.begin(lab)
            let run = try #require(try await first.ask("submit", job).result?.run)
            let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            first.hangUp()
            #expect(try await first.program.ending().status == 0)
            #expect(try !lab.processes("/galaxy-s3/galaxy-worker-exec").isEmpty, "the tool goes on")
            let (second, _) = try await Serving.begin(lab)
            // A configuration that cannot be used today fails no run that goes on, and begins no new one.
            let wrong = #","destination":{"name":"x","params":{"limits.walltime":"soon"}}"#
            let refused = try await second.ask("submit", job, #","run":"\#(run)""# + wrong)
            #expect(refused.error?.retryable == true, "\(refused)")
            #expect(try !lab.processes("/galaxy-s3/galaxy-worker-exec").isEmpty, "the tool goes on")
            let other = try await second.ask("submit", try gated(lab, 2), wrong)
            #expect(other.error?.retryable == false, "\(other)")
            let answer = try await second.ask("submit", job, #","run":"\#(run)""#)
            #expect(answer.result?.run == run)
            try await second.hear(job, "running")
            try GalaxyJob.release(volume, "taken up")
            #expect(try await second.hearEnd(of: job).state == "ok")
            #expect(Shell.text(job.output) == "taken up\n")
            #expect(try Shell.run("ls \(job.directory) | grep -c ^mark") == "1\n", "ran once")
            second.program.send(SIGTERM)
            #expect(try await second.program.ending().status == 0)
            // A run that ended is told again, and not begun again. Galaxy was cut off while it took the
            // results to their places: it would take empty files there now.
            try Shell.run("mv \(job.output) \(job.output).moved; : > \(job.output)")
            let (third, _) = try await Serving.begin(lab)
            try await third.ask("submit", job)
            #expect(try await third.hearEnd(of: job).state == "ok")
            #expect(try third.states(of: job) == ["collecting", "ok"])
            #expect(Shell.text(job.output) == "taken up\n")
            #expect(try Shell.run("ls \(job.directory) | grep -c ^mark") == "1\n", "ran once")
            third.program.send(SIGTERM)
            #expect(try await third.program.ending().status == 0)
            // What cannot be brought back is not called right.
            for key in try await lab.keys("/result.json") {
                try await lab.store.delete(ObjectKey(key))
            }
            let (fourth, _) = try await Serving.begin(lab)
            try await fourth.ask("submit", job)
            let end = try await fourth.hearEnd(of: job)
            #expect(end.state == "failed")
            #expect(end.message?.contains("cannot be brought back once more") == true, "\(end)")
        }
    }
}
