// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Many runs in one head, on an API server that misbehaves for some of them (F29 and F31).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct FakeClusterServeTests {
    private func jobs(
        _ fake: FakeCluster,
        _ count: Int
    ) throws -> [GalaxyJob] {
        try (1...count)
            .map { number in
                try GalaxyJob(
                    id: "\(number)",
                    folder: "\(fake.lab.folder)/job-\(number)",
                    tool: "true",
                    image: "localhost/none:1"
                )
            }
    }

    private func expectDone(
        _ serving: Serving,
        _ job: GalaxyJob
    ) async throws {
        let end = try await serving.hearEnd(of: job)
        #expect(end.state == "ok", "\(job.id): \(end.message ?? "")")
        #expect(Shell.text(job.output) == "out of run \(end.run ?? "")\n")
    }

    @Test func oneJobsTroubleIsNobodyElses() async throws {
        try await FakeCluster.run { fake in
            let jobs = try jobs(fake, 3)
            let (serving, _) = try await Serving.begin(fake.lab, fake.options)
            try fake.hold()
            for job in jobs { serving.send("submit", job) }
            for job in jobs { try await serving.hear(job, "running") }
            try fake.rules(#"[{"path": "gxy-lab-2-", "status": 500, "reason": "InternalError"}]"#)
            try fake.release()
            try await expectDone(serving, jobs[0])
            try await expectDone(serving, jobs[2])
            try fake.rules("[]")
            try await expectDone(serving, jobs[1])
            #expect(try fake.counts().jobs == 3)
        }
    }

    @Test func aHundredJobsCostNoMoreThanOneEach() async throws {
        try await FakeCluster.run { fake in
            let jobs = try jobs(fake, 100)
            let (serving, _) = try await Serving.begin(fake.lab, fake.options)
            for job in jobs { serving.send("submit", job) }
            for job in jobs { try await expectDone(serving, job) }
            #expect(try fake.requests("create").count == 100)
            #expect(try fake.requests("get").isEmpty, "no request a job while it runs")
            #expect(try fake.requests("list").count == 2, "one of Jobs, one of Pods")
            #expect(try fake.counts().pods == ["Succeeded": 100])
        }
    }

    @Test("a Job that the cluster refuses fails its run at once; nothing of it has begun")
    func aRefusedJobIsNotTriedForAnHour() async throws {
        try await FakeCluster.run { fake in
            let job = try jobs(fake, 1)[0]
            let (serving, _) = try await Serving.begin(fake.lab, fake.options)
            try fake.rules(
                """
                [{"method": "POST", "path": "/jobs", "status": 422, "reason": "Invalid",
                  "message": "admission webhook denied the request: no such priority class"}]
                """
            )
            serving.send("submit", job)
            let end = try await serving.hearEnd(of: job)
            #expect(end.state == "failed")
            #expect(end.message?.contains("no such priority class") == true, "\(end.message ?? "")")
            #expect(try fake.requests("create").count == 1)
        }
    }
}
