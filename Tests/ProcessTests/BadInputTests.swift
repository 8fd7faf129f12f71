// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// What is wrong is said in one line that names what, where and what to do; nothing is lost.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct BadInputTests {
    /// One line, the right status, and every one of `words` in it.
    private func expect(
        _ ending: RunningProgram.Ending,
        status: Int32,
        _ words: String...,
        at location: SourceLocation = #_sourceLocation
    ) {
        let lines = ending.errors.split(separator: "\n")
            .filter { $0.hasPrefix("galaxy-head-node: ") || !$0.contains(" files") }
            .filter { !$0.hasPrefix("Run ") }
        #expect(ending.status == status, "\(ending.errors)", sourceLocation: location)
        #expect(lines.count == 1, "one line, not: \(ending.errors)", sourceLocation: location)
        for word in words {
            #expect(ending.errors.contains(word), "\(ending.errors)", sourceLocation: location)
        }
    }

    private func job(_ lab: Lab) throws -> GalaxyJob {
        try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
    }

    // MARK: The store

    /// The head goes on trying for 40 seconds.
    @Test(.enabled(if: Lab.isFull)) func anEndpointThatDoesNotAnswer() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            let nowhere = ["--set", "s3.endpoint=http://127.0.0.1:9"]
            expect(
                try await lab.head("run", job, nowhere),
                status: 69,
                "127.0.0.1:9",
                lab.server.bucket
            )
            #expect(try await lab.head("run", job).status == 0, "and then the run goes on")
        }
    }

    @Test func aWrongSecret() async throws {
        try await Lab.run { lab in
            let wrong = ["AWS_SECRET_ACCESS_KEY": "wrongwrongwrongwrongwrong"]
            let ending = try await lab.head("run", try job(lab), environment: wrong)
            // Whether the answer can say "SignatureDoesNotMatch" depends on which request was first.
            expect(ending, status: 77, "403")
            #expect(!ending.errors.contains("wrongwrong"))
        }
    }

    @Test func anUnknownKey() async throws {
        try await Lab.run { lab in
            let wrong = ["AWS_ACCESS_KEY_ID": "nobody"]
            expect(
                try await lab.head("run", try job(lab), environment: wrong),
                status: 77,
                "403",
                "access key nobody"
            )
        }
    }

    @Test func noCredentialsAtAll() async throws {
        try await Lab.run { lab in
            let none = ["AWS_SECRET_ACCESS_KEY": "", "AWS_ACCESS_KEY_ID": ""]
            expect(
                try await lab.head("run", try job(lab), environment: none),
                status: 77,
                "redentials",
                "AWS_ACCESS_KEY_ID"
            )
        }
    }

    /// SeaweedFS makes a bucket for whoever stores into it.
    @Test(arguments: [TestServer.Kind.moto, .seaweed]) func aBucketThatIsNotThere(
        _ kind: TestServer.Kind
    ) async throws {
        try await Lab.run(on: TestServer.running(kind)) { lab in
            let ending = try await lab.head(
                "run",
                try job(lab),
                ["--set", "s3.bucket=no-such-one"]
            )
            expect(ending, status: 69, "no-such-one")
        }
    }

    // MARK: The job's files

    @Test func aMissingInput() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            unlink(job.largeInput)
            expect(try await lab.head("run", job), status: 66, job.largeInput, "No such file")
            #expect(try await lab.keys("/jobs/") == [])
        }
    }

    @Test func anInputThatIsADirectory() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("rm \(job.largeInput); mkdir \(job.largeInput)")
            expect(try await lab.head("run", job), status: 66, job.largeInput, "regular file")
        }
    }

    @Test func aPipeInTheJobDirectory() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("mkfifo \(job.working)/pipe")
            expect(try await lab.head("run", job), status: 66, "\(job.working)/pipe", "FIFO")
        }
    }

    @Test func aLinkOutOfTheRoots() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("ln -s /etc/passwd \(job.working)/stolen")
            expect(
                try await lab.head("run", job),
                status: 66,
                "\(job.working)/stolen",
                "/etc/passwd",
                "Replace the link"
            )
        }
    }

    // MARK: The description

    @Test(arguments: [
        ("{\"version\": 1,", "job description"),
        ("[]", "job description"),
        ("", "job description"),
    ])
    func aDescriptionThatIsNoDocument(_ text: String, word: String) async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try job.write(description: text)
            expect(try await lab.head("run", job), status: 65, word, job.description)
        }
    }

    @Test(arguments: [
        (#""galaxy_id": "1","#, "", "galaxy_id"),
        (#""galaxy_id": "1""#, #""galaxy_id": "../x""#, "galaxy_id"),
        (#""version": 1"#, #""version": 99"#, "99"),
        (#""inputs": ["#, #""inputs": 7, "was": ["#, "inputs"),
        (#""command": ["/bin/bash""#, #""command": ["bash""#, "command"),
        (#""path": "/tmp"#, #""path": "tmp"#, "path"),
        (#""extra_files""#, #""extra_file""#, #"did you mean "extra_files"?"#),
        (#""exit_code_file""#, #""exitcode_file""#, #"did you mean "exit_code_file"?"#),
        (#""name": "out""#, #""label": 1, "name": "out""#, #""label" at outputs.[0]"#),
        (#""exit_code_file": "/tmp"#, #""exit_code_file": "/etc/tmp"#, "galaxy_1.ec"),
    ])
    func aDescriptionWithOneMistake(
        _ right: String,
        wrong: String,
        word: String
    ) async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            let parts = job.json.split(separator: right, maxSplits: 1)
            try #require(parts.count == 2)
            try job.write(description: parts[0] + wrong + parts[1])
            let ending = try await lab.head("run", job)
            expect(ending, status: 65)
            #expect(ending.errors.contains(word), "\(ending.errors)")
            #expect(try await lab.keys("/jobs/") == [])
            #expect(!ending.errors.contains("Run 1-"), "\(ending.errors)")
            #expect(access("\(job.directory)/galaxy_s3/run.json", F_OK) != 0, "no run is noted")
        }
    }

    @Test(arguments: [("", "Is a directory"), ("/none", "No such file")])
    func aDescriptionThatCannotBeRead(
        _ name: String,
        why: String
    ) async throws {
        try await Lab.run { lab in
            let path = lab.folder + name
            let ending = try await lab.head("run", try job(lab), ["--job", path])
            expect(ending, status: 66, "\(path): \(why)")
        }
    }

    @Test func aJobDirectoryThatIsNotThere() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("rm -r \(job.directory)")
            expect(try await lab.head("run", job), status: 66, job.directory)
        }
    }

    // MARK: What was staged

    /// Runs the job once, so that the next run finds its large input staged.
    private func staged(
        _ lab: Lab,
        _ job: GalaxyJob
    ) async throws {
        // Files younger than two seconds get no record.
        try Shell.run("sleep 2.1")
        try #require(try await lab.head("run", job).status == 0)
    }

    @Test func aStagedObjectThatIsGoneIsStagedAgainOnce() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try await staged(lab, job)
            let key = try #require(try await lab.keys("/stage/").first)
            try await lab.store.delete(ObjectKey(key))
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer.ending?.message ?? "")")
            #expect(answer.failedTries.count == 1)
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    @Test(arguments: [7, 307_200]) func aStagedObjectWithOtherBytesIsNeverUsed(
        _ size: Int
    ) async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try await staged(lab, job)
            try Shell.run(": > \(job.output)")
            let key = try #require(try await lab.keys("/stage/").first)
            _ = try await lab.store.put(ObjectKey(key), bytes: [UInt8](repeating: 7, count: size))
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(answer.ending?.message.contains(job.largeInput) == true, "\(answer)")
            #expect(answer.ending?.message.contains(key) == true, "\(answer)")
            #expect(answer.failedTries.count == 1, "it is not tried again")
            #expect(Shell.text(job.output) == "")
            #expect(try await lab.run(job).status == 0, "the next run stages afresh")
            #expect(Shell.text(job.output) == "done\n")
        }
    }

    // MARK: This machine

    @Test func aWorkerThatIsNotThere() async throws {
        try await Lab.run { lab in
            let nowhere = ["--set", "local.worker=/no/such/worker"]
            expect(try await lab.head("run", try job(lab), nowhere), status: 71, "/no/such/worker")
        }
    }

    @Test(.enabled("it mounts small file systems") { geteuid() == 0 })
    func aDiskTooSmallForTheInputsIsSaidBeforeTheFetch() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab)
            try Shell.run("head -c 6000000 /dev/urandom > \(job.largeInput)")
            let head = try lab.start("run", job)
            let try2 = try await HandMadeTry(lab, job, volumeSize: "4m")
            defer { try2.unmount() }
            let ending = try await try2.start().ending()
            #expect(ending.status == 74, "\(ending.errors)")
            #expect(ending.errors.contains("need"), "\(ending.errors)")
            #expect(ending.errors.contains("free"), "\(ending.errors)")
            #expect(ending.errors.split(separator: "\n").count == 1)
            head.send(SIGKILL)
        }
    }

    /// With a file, and with what it says (F49); the last says that all is well.
    @Test(
        .enabled("it mounts small file systems") { geteuid() == 0 },
        arguments: [
            "cat /dev/zero > big; echo done > $OUT", "cat /dev/zero; exit 0",
            "cat /dev/zero >&2; exit 0",
        ]
    )
    func aToolThatFillsTheDiskIsNeverCalledGood(_ rest: String) async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob.gated(lab, rest: rest)
            let head = try lab.start("run", job, ["--json"])
            let own = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let full = try await HandMadeTry(lab, job, volumeSize: "4m")
            defer { full.unmount() }
            let worker = try full.start()
            let volume = try await GalaxyJob.waitForTool { full.volume }
            try GalaxyJob.release(volume, "full")
            let ending = try await worker.ending()
            #expect(ending.status == 74 || ending.status == 0, "\(ending.errors)")
            if ending.status == 74 {
                #expect(ending.errors.contains("No space left"), "\(ending.errors)")
            }
            try GalaxyJob.release(own, "own")
            // What the full try committed, if it could, says that there is no good exit code.
            try Shell.run(
                "rm -f \(own)/working/big; touch \(own)/working/big; chmod 0 \(own)/working/big"
            )
            head.send(SIGKILL)
            try await head.ending()
            if ending.status == 0 {
                let answer = try await lab.run(job).answer
                #expect(answer.ending?.state != "ok", "\(answer)")
            }
        }
    }

    /// In a container of its own the worker says what it has to say in a file.
    @Test(.enabled("it mounts small file systems") { geteuid() == 0 })
    func aToolThatFillsTheDiskIsNotTakenForAnEviction() async throws {
        try await Lab.run { lab in
            let split = ["--set", "local.shape=split"]
            let job = try GalaxyJob.gated(lab, rest: "cat /dev/zero > big; echo done > $OUT")
            let head = try lab.start("run", job, ["--json"] + split)
            _ = try await GalaxyJob.waitForTool { lab.volume(of: job) }
            let full = try await HandMadeTry(lab, job, volumeSize: "4m")
            defer { full.unmount() }
            #expect(try await full.start("fetch").ending().status == 0)
            let push = try full.start("push")
            let tool = try full.start("tool", hasCredentials: false)
            let volume = try await GalaxyJob.waitForTool { full.volume }
            try GalaxyJob.release(volume, "full")
            let ending = try await tool.ending()
            #expect(ending.status == 0, "\(ending.errors)")
            let pushed = try await push.ending()
            #expect(pushed.status == 0, "\(pushed.errors)")
            head.send(SIGKILL)
            try await head.ending()
            let answer = try await lab.run(job, split).answer
            #expect(answer.ending?.state == "failed", "\(answer)")
            #expect(answer.failedTries == [])
        }
    }

    /// A sparse file costs the tool nothing, and Galaxy's disk all of its bytes.
    @Test(.enabled("it mounts small file systems") { geteuid() == 0 })
    func resultsThatDoNotFitAreNotBegunWithAndComeWhenThereIsRoom() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "truncate -s 24M $OUT")
            try Shell.run("mount -t tmpfs -o size=8m none \(job.outputs); touch \(job.output)")
            defer { _ = try? Shell.run("umount -l \(job.outputs) || true") }
            for _ in 0..<2 {
                let ending = try await lab.head("run", job)
                #expect(ending.status == 71, "\(ending.errors)")
                #expect(ending.errors.contains("The results need 2516"), "\(ending.errors)")
                #expect(
                    ending.errors.contains("bytes, \(job.outputs) has 838"),
                    "\(ending.errors)"
                )
                let files = try Shell.run("ls -A \(job.outputs)")
                #expect(files == "dataset_3.dat\n")
            }
            try Shell.run("umount -l \(job.outputs)")
            let (status, answer) = try await lab.run(job)
            #expect(status == 0, "\(answer)")
            #expect(try Shell.run("stat -c %s \(job.output)") == "25165824\n")
            #expect(try await lab.reports().count == 1, "the tool ran once")
        }
    }

    @Test(.enabled("it mounts small file systems") { geteuid() == 0 })
    func aFullStateDirectoryIsNamedAndTheRunGoesOnWhenThereIsRoom() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("mount -t tmpfs -o size=64k none \(lab.folder)/state")
            defer { _ = try? Shell.run("umount -l \(lab.folder)/state || true") }
            let first = try await lab.run(job, ["--set", "retries=0", "--set", "disruptions=0"])
            let message = (first.answer.ending?.message ?? "") + (first.answer.error?.message ?? "")
            #expect(first.status != 0)
            #expect(message.contains("space") || message.contains("free"), "\(first.answer)")
            try Shell.run("umount -l \(lab.folder)/state")
            #expect(try await lab.run(job).status == 0)
            #expect(Shell.text(job.output) == "done\n")
        }
    }
}
