// SPDX-License-Identifier: Apache-2.0

import Glibc
import S3Client
import TestSupport
import Testing

/// F04: the head's machine stands still, as while it is moved to another host, and goes on: connections
/// and watches have died meanwhile. Seconds here, ten minutes the long way.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct StoppedHeadTests {
    private static let pause = Duration.seconds(Lab.isFull ? 600 : 5)

    private func stand(_ head: RunningProgram) async throws {
        head.send(SIGSTOP)
        try await Task.sleep(for: Self.pause)
        head.send(SIGCONT)
    }

    @Test(
        "while it stages, while the tool runs, while it collects",
        arguments: [
            #""phase_began","phase":"stage""#, #""event":"output""#,
            #""phase_began","phase":"collect""#,
        ]
    )
    func aHeadThatStandsStillGoesOn(moment: String) async throws {
        try await Lab.run { lab in
            let job = try KillTests.job(lab)
            let head = try lab.start("run", job, ["--json"])
            try await Patience.long.wait(moment) { head.output.contains(moment) }
            try await stand(head)
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            #expect(answer.failedTries == [])
            try await KillTests.expectResult(of: job, lab)
        }
    }

    @Test func aHeadThatFollowsAPodGoesOn() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.hold()
            let head = try fake.start(job)
            try await Patience.long.wait("the pod to run") { head.output.contains(#""running""#) }
            head.send(SIGSTOP)
            // It ends while nobody looks.
            try fake.release()
            try await stand(head)
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            #expect(answer.failedTries == [])
            #expect(Shell.text(job.output) == "out of run \(answer.run ?? "")\n")
            #expect(try fake.requests("create").count == 1)
        }
    }

    /// The pod has keys of its own; those of the head end.
    @Test(
        "its credentials end meanwhile",
        arguments: [
            #""phase_began","phase":"stage""#, #""event":"running""#,
            #""phase_began","phase":"collect""#,
        ]
    )
    func credentialsEndWhileItStandsStill(moment: String) async throws {
        try await OwnServer.run { own in
            try await FaultyStore.run(before: own.tenant) { store in
                try await FakeCluster.runWithWorkers(in: store.lab) { fake in
                    let old = own.server.credentials
                    // Those that end within a minute are not used any more.
                    let source = try store.give(old, lifetime: 62)
                    let job = try KillTests.job(store.lab, image: "localhost/none:1")
                    let words = ["--json"] + fake.options
                    let head = try store.lab.start("run", job, words, environment: source)
                    try await Patience.long.wait(moment) {
                        head.output.contains(moment) || head.hasEnded
                    }
                    head.send(SIGSTOP)
                    try store.give(own.tenant.credentials, lifetime: 3600)
                    try store.rules(
                        """
                        [{"signer": "\(old.accessKeyID)", "status": 400, "code": "ExpiredToken"}]
                        """
                    )
                    try await Task.sleep(for: Self.pause)
                    head.send(SIGCONT)
                    let ending = try await head.ending()
                    let answer = try RunAnswer(ending)
                    #expect(ending.status == 0, "\(answer.message) \(ending.errors)")
                    #expect(answer.failedTries == [])
                    let text = try Shell.run("md5sum < \(job.largeInput)")
                    #expect(Shell.text(job.output) == text)
                    #expect(try await store.lab.keys("started.json").count == 1)
                }
            }
        }
    }
}
