// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// An API server that says nothing, too much, or nonsense while a pod runs: the run comes to its own
/// end, and to no other (F20, F21, F26 to F28).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FakeClusterFollowTests {
    private static let versions = ["1.20", "1.36"]

    private func expectDone(
        _ job: GalaxyJob,
        _ status: Int32,
        _ answer: RunAnswer,
        failedTries: Int = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let message = answer.ending?.message ?? answer.error?.message ?? ""
        #expect(status == 0, "\(message)", sourceLocation: sourceLocation)
        let failed = answer.failedTries
        #expect(failed.count == failedTries, "\(failed)", sourceLocation: sourceLocation)
        let expected = "out of run \(answer.run ?? "")\n"
        #expect(Shell.text(job.output) == expected, sourceLocation: sourceLocation)
    }

    /// Starts a run, lets `disturb` do its work while the pod runs, and waits for the end.
    private func disturbed(
        _ fake: FakeCluster,
        _ disturb: () async throws -> Void
    ) async throws {
        let job = try fake.job()
        try fake.hold()
        let head = try fake.start(job)
        try await Patience.long.wait("the pod to run") { head.output.contains(#""running""#) }
        try await disturb()
        try fake.release()
        let ending = try await head.ending()
        expectDone(job, ending.status, try RunAnswer(ending))
        #expect(try fake.counts().jobs == 1)
    }

    @Test(arguments: versions)
    func oneJobAndAHandfulOfRequests(version: String) async throws {
        try await FakeCluster.run(["--version", version]) { fake in
            let job = try fake.job()
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
            #expect(try fake.requests("create").count == 1)
            #expect(try fake.requests("get").isEmpty, "nothing is polled")
            #expect(try fake.requests("list").count == 2)
        }
    }

    @Test func aServerThatIsAwayWhileThePodRuns() async throws {
        try await FakeCluster.run { fake in
            try await disturbed(fake) { try fake.close(seconds: 4) }
        }
    }

    @Test("an empty list is no end of anything")
    func oneEmptyList() async throws {
        try await FakeCluster.run { fake in
            try await disturbed(fake) {
                try fake.rules(
                    """
                    [{"path": "/jobs.*watch=true", "events": "expired", "times": 1},
                     {"path": "/pods.*watch=true", "events": "expired", "times": 1},
                     {"path": "/jobs[?]", "items": "none", "times": 1},
                     {"path": "/pods[?]", "items": "none", "times": 1}]
                    """
                )
                try fake.close(seconds: 0)
                try await Patience.long.wait("the question whether the Job is there") {
                    try fake.requests("get").contains { $0.resource == "jobs" }
                }
            }
        }
    }

    @Test("while no head is there the tool ends, and its Job is removed as its time to live does")
    func removedWhileNobodyWatches() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.hold()
            let head = try fake.start(job)
            try await Patience.long.wait("the pod to run") { head.output.contains(#""running""#) }
            head.send(SIGKILL)
            try await head.ending()
            try fake.release()
            try await fake.waitForPod("Succeeded")
            try fake.deleteJob(of: job)
            try await Patience.long.wait("the Job to be gone") { try fake.counts().jobs == 0 }
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
            #expect(answer.isResumed == true)
            #expect(try fake.requests("create").count == 1, "the tool ran once")
        }
    }

    @Test(
        "events come twice, late, in any order, or with what was before",
        arguments: ["duplicate", "reorder", "stale"]
    )
    func disorder(how: String) async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(#"[{"path": "watch=true", "events": "\#(how)"}]"#)
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
        }
    }

    @Test(
        "a watch that is refused, forgotten, or cut",
        arguments: [
            #""status": 410, "reason": "Expired""#, #""events": "expired""#, #""cut": 1"#,
            #""status": 500"#, #""status": 401, "reason": "Unauthorized""#,
        ]
    )
    func brokenWatches(how: String) async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(#"[{"path": "watch=true", "times": 4, \#(how)}]"#)
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
        }
    }

    /// The stream is open and nothing comes: a list finds the end, and a Job that somebody has
    /// removed by then is no loss, because the bucket has the result.
    @Test(.enabled(if: Lab.isFull), arguments: [false, true])
    func silentWatches(isRemoved: Bool) async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(#"[{"path": "watch=true", "silent": 3600, "times": 2}]"#)
            let head = try fake.start(job)
            try await fake.waitForPod("Succeeded")
            if isRemoved { try fake.deleteJob(of: job) }
            let ending = try await head.ending(.veryLong)
            expectDone(job, ending.status, try RunAnswer(ending))
        }
    }

    @Test("a status with nothing in it", arguments: ["status", "containerStatuses"], versions)
    func emptyStatuses(what: String, version: String) async throws {
        try await FakeCluster.run(["--version", version]) { fake in
            let job = try fake.job()
            try fake.plays(#"[{"empties": ["\#(what)"]}]"#)
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
        }
    }

    @Test("an evicted pod says nothing of its containers, and costs one try", arguments: versions)
    func evicted(version: String) async throws {
        try await FakeCluster.run(["--version", version]) { fake in
            let job = try fake.job()
            try fake.plays(
                """
                [{"job": "-1$", "fails":
                  {"reason": "Evicted", "message": "The node was low on resource: memory."}}]
                """
            )
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer, failedTries: 1)
            #expect(answer.failedTries.first?.contains("low on resource: memory") == true)
        }
    }

    @Test func logsThatCannotBeReadAreNoLoss() async throws {
        try await FakeCluster.run(["--run", "1"]) { fake in
            let job = try fake.job()
            try fake.rules(#"[{"path": "/log[?]", "status": 500}]"#)
            let (status, answer) = try await fake.run(job)
            expectDone(job, status, answer)
        }
    }

    @Test func aWorkerWithoutMemoryIsTriedOnceMoreAndNoMore() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.plays(
                #"[{"exits": {"push": 137}, "reasons": {"push": "OOMKilled"}, "works": false}]"#
            )
            let (status, answer) = try await fake.run(job)
            #expect(status != 0)
            #expect(answer.failedTries.count == 2, "\(answer.failedTries)")
            let message = answer.ending?.message ?? ""
            #expect(message.contains("kubernetes.worker_limits_memory"), "\(message)")
        }
    }

    @Test func keysThatAreDeniedAreNamedByTheirSecret() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.plays(#"[{"exits": {"fetch": 77}}]"#)
            let more = ["--set", "kubernetes.credentials_secret=keys-of-ours"]
            let (status, answer) = try await fake.lab.run(job, fake.options + more)
            #expect(status != 0)
            let message = answer.ending?.message ?? ""
            for word in ["keys-of-ours", "kubernetes.credentials_secret", "namespace galaxy"] {
                #expect(message.contains(word), "\(message)")
            }
        }
    }
}
