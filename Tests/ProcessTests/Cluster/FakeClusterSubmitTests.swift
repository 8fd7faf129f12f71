// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// An API server in trouble while a Job is created: nothing is lost, and nothing is made twice
/// (F02, F20, F22 to F25).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FakeClusterSubmitTests {
    /// The job has run once, and its output is that run's.
    private func expectDone(
        _ fake: FakeCluster,
        _ job: GalaxyJob,
        _ status: Int32,
        _ answer: RunAnswer,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let message = answer.ending?.message ?? answer.error?.message ?? ""
        #expect(status == 0, "\(message)", sourceLocation: sourceLocation)
        #expect(answer.failedTries == [], sourceLocation: sourceLocation)
        let output = Shell.text(job.output)
        let expected = "out of run \(answer.run ?? "")\n"
        #expect(output == expected, sourceLocation: sourceLocation)
        let counts = try fake.counts()
        #expect(counts.jobs == 1, sourceLocation: sourceLocation)
        #expect(counts.pods == ["Succeeded": 1], sourceLocation: sourceLocation)
    }

    @Test func aServerThatIsAwayIsWaitedFor() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.close(seconds: 5)
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
        }
    }

    @Test func aBusyServerIsGivenTheTimeItAsksFor() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "times": 2, "status": 429,
                  "reason": "TooManyRequests", "headers": {"Retry-After": "2"}}]
                """
            )
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
            let times = try fake.requests("create").map(\.at)
            #expect(times.count == 3)
            #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 >= 2 }, "\(times)")
        }
    }

    @Test(
        "the Job was not made, whatever the answer",
        arguments: [
            #""status": 500"#, #""status": 503"#, #""status": 409, "reason": "Conflict""#,
            #""reset": true"#,
        ]
    )
    func refusedOnce(what: String) async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(#"[{"method": "POST", "path": "/jobs", "times": 1, \#(what)}]"#)
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
            #expect(try fake.requests("create").count == 2)
        }
    }

    @Test(
        "the Job was made, and the answer says that it was not, or is lost",
        arguments: [#""status": 500"#, #""status": 504"#, #""reset": true"#]
    )
    func lostAnswers(what: String) async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                #"[{"method": "POST", "path": "/jobs", "times": 1, "committed": true, \#(what)}]"#
            )
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
            #expect(try fake.requests("create").count == 2)
        }
    }

    @Test("invariant 6: the head is killed before it hears that the Job was made")
    func killedBeforeTheAnswer() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                #"[{"method": "POST", "path": "/jobs", "times": 1, "committed": true, "delay": 30}]"#
            )
            let head = try fake.start(job)
            try await fake.waitForPod("Succeeded")
            head.send(SIGKILL)
            try await head.ending()
            let (status, answer) = try await fake.run(job)
            #expect(answer.isResumed == true)
            try expectDone(fake, job, status, answer)
        }
    }

    @Test func aJobThatIsOnItsWayOutIsWaitedFor() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "times": 2, "status": 409,
                  "reason": "AlreadyExists",
                  "message": "object is being deleted: jobs.batch \\"x\\" already exists"}]
                """
            )
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
        }
    }

    @Test func aStrangersJobIsNotTakenForOurs() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            // Time to make a Job of the name that the head has chosen.
            try fake.rules(#"[{"method": "POST", "path": "/jobs", "times": 1, "delay": 3}]"#)
            let head = try fake.start(job)
            try await Patience.long.wait("the create") { try fake.requests("create").count == 1 }
            let run = try #require(
                try Shell.run("grep -oE '1-[0-9a-f]{16}' \(job.directory)/galaxy_s3/run.json")
                    .split(separator: "\n").first
            )
            let name = "gxy-lab-\(run)-1"
            try fake.tell(
                "POST",
                "/apis/batch/v1/namespaces/galaxy/jobs",
                """
                {"metadata": {"name": "\(name)"}, "spec": {"template": {"spec":
                  {"restartPolicy": "Never", "containers": [{"name": "tool", "image": "i"}]}}}}
                """
            )
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            let message = answer.error?.message ?? ""
            #expect(ending.status != 0)
            #expect(message.contains("A Job named \(name) exists"), "\(message)")
            #expect(Shell.text(job.output) == "")
            #expect(try fake.counts().jobs == 1, "it is not ours to remove")
        }
    }

    // MARK: Refusals

    @Test func aQuotaIsWaitedForAndTold() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "times": 2, "status": 403, "reason": "Forbidden",
                  "message": "jobs.batch \\"x\\" is forbidden: exceeded quota: small, used: count/jobs.batch=2"}]
                """
            )
            let (status, answer) = try await fake.run(job)
            try expectDone(fake, job, status, answer)
            let waits = answer.lines.filter { $0.event == "waiting" }.compactMap(\.text)
            #expect(waits.contains { $0.contains("exceeded quota: small") }, "\(waits)")
        }
    }

    @Test func aRightThatIsMissingIsNamed() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "status": 403, "reason": "Forbidden",
                  "message": "jobs.batch is forbidden: User \\"g\\" cannot create resource \\"jobs\\" in \
                API group \\"batch\\" in the namespace \\"galaxy\\""}]
                """
            )
            let ending = try await fake.lab.head("run", job, fake.options)
            #expect(ending.status == 77, "\(ending.errors)")
            for word in ["Role", "galaxy", #"resources ["jobs"]"#, #"verbs ["create"]"#] {
                #expect(ending.errors.contains(word), "\(word): \(ending.errors)")
            }
            // A server that has just started says so too, so it is asked again for a few seconds.
            #expect((1...30).contains(try fake.requests("create").count))
        }
    }

    @Test func aFieldThatIsRefusedIsNamed() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            let field = "spec.template.spec.containers[0].image"
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "status": 422, "reason": "Invalid",
                  "message": "Job.batch is invalid",
                  "details": {"causes": [{"reason": "FieldValueInvalid", "field": "\(field)",
                                          "message": "Invalid value: none of ours"}]}}]
                """
            )
            let ending = try await fake.lab.head("run", job, fake.options)
            #expect(ending.status != 0)
            #expect(ending.errors.contains(field), "\(ending.errors)")
            #expect(ending.errors.contains("none of ours"), "\(ending.errors)")
            #expect(try fake.requests("create").count == 1)
        }
    }

    @Test(
        "another name for this Galaxy's Jobs holds for new tries: the same Job is taken up, and ended"
    )
    func aJobKeepsItsName() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.hold()
            let key = "kubernetes.k8s_galaxy_instance_id"
            let other = fake.options + ["--set", "\(key)=other"]
            let head = try fake.start(job)
            try await Patience.long.wait("the pod to run") { head.output.contains(#""running""#) }
            head.send(SIGKILL)
            try await head.ending()
            let next = try fake.lab.start("run", job, ["--json"] + other)
            try await Patience.long.wait("the pod to run") { next.output.contains(#""running""#) }
            #expect(try fake.counts().jobs == 1, "the tool runs once")
            let cancel = try await fake.lab.head("cancel", job, other)
            #expect(cancel.status == 0, "\(cancel.errors)")
            #expect(try fake.counts().jobs == 0)
            let ending = try await next.ending()
            #expect(try RunAnswer(ending).ending?.state == "cancelled")
        }
    }

    @Test func aRunThatIsCancelledWhileItWaitsForRoomIsOver() async throws {
        try await FakeCluster.run { fake in
            let job = try fake.job()
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "status": 403, "reason": "Forbidden",
                  "message": "jobs.batch \\"x\\" is forbidden: exceeded quota: small, used: count/jobs.batch=2"}]
                """
            )
            let head = try fake.start(job)
            try await Patience.long.wait("the wait") { head.output.contains("exceeded quota") }
            let cancel = try await fake.lab.head("cancel", job, fake.options)
            #expect(cancel.status == 0, "\(cancel.errors)")
            let ending = try await head.ending()
            #expect(try RunAnswer(ending).ending?.state == "cancelled", "\(ending.errors)")
            #expect(try fake.counts().jobs == 0)
        }
    }
}
