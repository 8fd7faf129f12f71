// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// What a try's verdict asks for is done before anything else, and once, whoever does it: no try is
/// made that the verdict rules out. Invariants 2 and 6.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct TrySequelTests {
    /// A job whose large input is recorded as staged, and is not in the bucket any more.
    private static func bereft(_ lab: Lab) async throws -> GalaxyJob {
        let job = try GalaxyJob(folder: lab.folder, tool: #"cat "$IN1" > copy; echo done > $OUT"#)
        // Files younger than two seconds get no record.
        try Shell.run("sleep 2.1")
        try #require(try await lab.head("run", job).status == 0)
        try Shell.run(": > \(job.output)")
        let key = try #require(try await lab.keys("/stage/").first)
        try await lab.store.delete(ObjectKey(key))
        return job
    }

    /// Begins the job anew, ends its head before the try's worker has missed the input, and puts another
    /// file in its place.
    ///
    /// - Parameter rules: of the store, for the next head.
    private func begin(
        _ faulty: FaultyStore,
        _ job: GalaxyJob,
        rules: String
    ) async throws {
        let slowly = #"{"operation": "GetObject", "key": "/stage/", "delay": 3}"#
        try faulty.rules("[\(slowly)]")
        let head = try faulty.lab.start("run", job, ["--json"])
        try await Patience.long.wait("the try") {
            head.output.contains(#""event":"submitted""#) || head.hasEnded
        }
        head.send(SIGKILL)
        try await head.ending()
        try #require(!head.output.contains("try_ended"))
        try Shell.run("head -c 307200 /dev/urandom > \(job.largeInput)")
        try faulty.rules(rules)
    }

    @Test func anInputThatIsLostAndAnotherByNowFailsTheRunAtOnce() async throws {
        try await FaultyStore.run { faulty in
            let job = try await Self.bereft(faulty.lab)
            try await begin(faulty, job, rules: "[]")
            let (status, answer) = try await faulty.lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed", "\(answer.error?.message ?? "")")
            #expect(answer.failedTries.count == 1, "no other try would do better")
            let words = answer.ending?.message ?? ""
            #expect(words.contains(job.largeInput), "\(words)")
            #expect(words.contains("lost from the bucket"), "\(words)")
            #expect(Shell.text(job.output) == "")
        }
    }

    @Test func aRunThatCannotBeEndedYetGetsNoOtherTry() async throws {
        try await FaultyStore.run { faulty in
            let lab = faulty.lab
            let job = try await Self.bereft(lab)
            let denied =
                #"{"operation": "PutObject", "key": "/result.json$", "status": 403, "code": "AccessDenied"}"#
            try await begin(faulty, job, rules: "[\(denied)]")
            let first = try await lab.run(job)
            #expect(first.status == 77, "\(first.answer)")
            #expect(first.answer.failedTries.count == 1)
            let second = try await lab.run(job)
            #expect(second.status == 77)
            #expect(second.answer.isResumed == true)
            #expect(second.answer.failedTries == [], "the verdict stands")
            try faulty.rules("[]")
            let (status, answer) = try await lab.run(job)
            #expect(status == 1)
            #expect(answer.ending?.state == "failed")
            #expect(answer.failedTries == [])
            #expect(answer.ending?.message.contains(job.largeInput) == true, "\(answer)")
        }
    }
}
