// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A node that does not answer any more: its pods are deleted, and never end (F47).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FakeClusterLossTests {
    private static let lost = #"[{"job": "-1$", "lost": true}]"#

    /// Starts a run, and deletes its pod, on a node that is lost, once it runs.
    private func lose(
        _ fake: FakeCluster,
        _ job: GalaxyJob
    ) async throws -> RunningProgram {
        try fake.plays(Self.lost)
        try fake.hold()
        let head = try fake.start(job)
        try await Patience.long.wait("the pod to run") { head.output.contains(#""running""#) }
        try fake.deletePods()
        return head
    }

    @Test("a run that is cancelled elsewhere is not followed on a lost node")
    func cancelledElsewhere() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            let head = try await lose(fake, job)
            let cancel = try fake.lab.start("cancel", job, fake.options)
            let ending = try await head.ending()
            #expect(try RunAnswer(ending).ending?.state == "cancelled", "\(ending.errors)")
            cancel.send(SIGKILL)
            try await cancel.ending()
        }
    }

    @Test(
        "a lost pod is one disruption, and the run goes on elsewhere",
        .enabled(if: Lab.isFull)
    )
    func replacedTry() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            let head = try await lose(fake, job)
            try fake.release()
            let ending = try await head.ending(.veryLong)
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(answer.failedTries.count == 1)
            #expect(answer.failedTries.first?.contains("node 127.0.0.1") == true)
            #expect(Shell.text(job.output) == "out of run \(answer.run ?? "")\n")
        }
    }

    @Test("a pod that does not end keeps no new run of its job from beginning")
    func supersededOnALostNode() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            let (first, _) = try await Serving.begin(fake.lab, fake.options)
            try fake.plays(Self.lost)
            try fake.hold()
            first.send("submit", job)
            try await first.hear(job, "running")
            first.program.send(SIGKILL)
            try await first.program.ending()
            let (second, _) = try await Serving.begin(fake.lab, fake.options)
            second.send("submit", job, #","run":"1-ffffffffffffffff""#)
            try await second.hear(job, "running")
            try fake.release()
            let end = try await second.hearEnd(of: job)
            #expect(end.state == "ok", "\(end.message ?? "")")
        }
    }

    @Test(.enabled(if: Lab.isFull)) func cancelSaysThatAPodDoesNotEndAndIsDone() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            let head = try await lose(fake, job)
            let cancel = try await fake.lab.head("cancel", job, fake.options)
            #expect(cancel.status == 0, "\(cancel.errors)")
            #expect(cancel.output.contains("is over: cancelled"))
            #expect(cancel.errors.contains("has not yet"), "\(cancel.errors)")
            _ = try await head.ending()
        }
    }

    @Test("the log of a pod whose kubelet is silent holds up no try")
    func silentKubelet() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.plays(#"[{"job": "-1$", "exits": {"push": 75}, "works": false}]"#)
            try fake.rules(#"[{"path": "-1-.*/log[?]", "delay": 86400}]"#)
            let ending = try await fake.start(job).ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(answer.failedTries.count == 1)
        }
    }
}
