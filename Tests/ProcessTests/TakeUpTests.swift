// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// A run that was cut off is taken up as what it is, or not at all: never beside itself.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct TakeUpTests {
    /// A run whose tool waits and whose head is gone.
    private func orphaned(
        _ lab: Lab,
        _ rest: String = ""
    ) async throws -> (job: GalaxyJob, run: String, volume: String) {
        let job = try GalaxyJob.gated(lab, rest: rest)
        let head = try lab.start("run", job, ["--json"])
        let volume = try await GalaxyJob.waitForTool { lab.volume(of: job) }
        head.send(SIGKILL)
        let run = try #require(try RunAnswer(try await head.ending()).run)
        return (job, run, volume)
    }

    private func put(
        _ text: String,
        at key: String,
        _ lab: Lab
    ) async throws {
        _ = try await lab.store.put(ObjectKey(key), bytes: Array(text.utf8))
    }

    @Test func anotherDescriptionIsRefusedWhileTheRunGoesOn() async throws {
        try await Lab.run { lab in
            let (job, run, _) = try await orphaned(lab)
            try job.write(description: job.json + " \n")
            let refused = try await lab.head("run", job)
            #expect(refused.status == 75, "\(refused.errors)")
            #expect(refused.errors.contains(run), "\(refused.errors)")
            #expect(refused.errors.contains("galaxy-head-node cancel"), "\(refused.errors)")
            #expect(try await lab.keys("started.json").count == 1)
            let cancel = try await lab.head("cancel", job)
            #expect(cancel.status == 0, "\(cancel.errors)")
            #expect(try lab.processes("galaxy-worker-exec") == [])
            #expect(try Shell.run("ls \(lab.folder)/state/tries") == "", "its folder is removed")
            let next = try lab.start("run", job, ["--json"])
            let note = "Run \(run) of this job ended before (cancelled); this is a new run."
            try await Patience.long.wait("the new run") {
                next.output.contains(note) || next.hasEnded
            }
            next.send(SIGKILL)
            let began = try RunAnswer(try await next.ending())
            #expect(began.lines.contains { $0.text == note })
        }
    }

    @Test func anotherPrefixIsRefusedAndNamed() async throws {
        try await Lab.run { lab in
            let (job, run, _) = try await orphaned(lab)
            let moved = ["--set", "s3.prefix=\(lab.prefix)-moved"]
            for verb in ["run", "status", "cancel", "collect"] {
                let refused = try await lab.head(verb, job, moved)
                #expect(refused.status == 75, "\(verb): \(refused.errors)")
                for word in [run, "/\(lab.prefix) at", "/\(lab.prefix)-moved at"] {
                    #expect(refused.errors.contains(word), "\(verb): \(refused.errors)")
                }
            }
            #expect(try await lab.head("cancel", job).status == 0)
        }
    }

    @Test(arguments: ["{", #"{"version": 9}"#, "other run"])
    func aDamagedResultIsNamedWithItsRemedy(_ text: String) async throws {
        try await Lab.run { lab in
            let (job, run, _) = try await orphaned(lab)
            let key = "\(lab.prefix)/jobs/lab/\(run)/result.json"
            let other =
                #"{"run":"2-0123456789abcdef","version":1,"#
                + #""verdict":{"ended":{"message":"","reason":"failed"}}}"#
            try await put(text == "other run" ? other : text, at: key, lab)
            for verb in ["run", "status", "collect", "cancel"] {
                let ending = try await lab.head(verb, job)
                #expect(ending.status == 69, "\(verb): \(ending.errors)")
                let remedy = "galaxy-head-node s3 rm s3://\(lab.server.bucket)/\(key)"
                #expect(ending.errors.contains(remedy), "\(verb): \(ending.errors)")
            }
            #expect(
                try lab.processes("galaxy-worker-exec") == [],
                "cancel ends the try all the same"
            )
            try await lab.store.delete(ObjectKey(key))
            #expect(try await lab.head("cancel", job).status == 0)
        }
    }

    /// Of many files there is much to say: that report has an object of its own.
    @Test(arguments: [0, 400])
    func aDamagedReportEndsTheRunAndANewOneBegins(_ files: Int) async throws {
        try await Lab.run { lab in
            let (job, run, volume) = try await orphaned(
                lab,
                "for n in $(seq \(files)); do echo $n > a-file-of-the-tool-$n; done"
            )
            try GalaxyJob.release(volume, "go")
            try await Patience.long.wait("the commit") {
                try await lab.keys("result.json").isEmpty == false
            }
            let stored = try await lab.keys("/report.json").first
            #expect((stored != nil) == (files > 0))
            let results = try await lab.keys("/result.json")
            let key = try #require(stored ?? results.first)
            let damaged = try await lab.text(key).replacing("cpuSeconds", with: "cpuSecond5")
            try await put(damaged, at: key, lab)
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(answer.ending?.message.contains("s3://\(lab.server.bucket)/\(key)") == true)
            let next = try lab.start("run", job, ["--json"])
            try await Patience.long.wait("a new run") {
                next.output.contains(#""resumed":false"#) || next.hasEnded
            }
            next.send(SIGKILL)
            let begun = try RunAnswer(try await next.ending()).run
            #expect(begun != nil && begun != run)
        }
    }

    /// Staging would fail: the input is gone.
    @Test func aRunCancelledWhileStagingIsNotStagedAgain() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
            unlink(job.largeInput)
            #expect(try await lab.head("run", job).status == 66)
            let status = try await lab.head("status", job)
            #expect(status.output.contains("staging"), "\(status.output)")
            #expect(!status.output.contains("try 0"), "\(status.output)")
            #expect(try await lab.head("cancel", job).status == 0)
            let answer = try await lab.run(job).answer
            #expect(answer.ending?.state == "cancelled", "\(answer.error?.message ?? "")")
        }
    }

    @Test func aFailedTryGivesItsRoomToTheNext() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            let head = try lab.start("run", job, ["--json"])
            let first = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            kill(try await lab.worker(), SIGKILL)
            let second = try await GalaxyJob.waitForTool { lab.volume(of: job, try: 2) }
            #expect(access(first, F_OK) != 0, "the first try's volume is still there")
            try GalaxyJob.release(second, "go")
            #expect(try await head.ending().status == 0)
        }
    }
}
