// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A worker that is told to stop, or whose run is cancelled, while bytes are on their way (F43 and F53).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct WorkerStopTests {
    static let shapes = ["single", "split"]

    private func job(_ store: FaultyStore) throws -> GalaxyJob {
        let tool = #"cp "$IN1" copy; echo once > "$JOB/mark.$$.$RANDOM"; cat "$IN2" > "$OUT""#
        return try GalaxyJob(folder: store.lab.folder, tool: tool, image: "localhost/none:1")
    }

    /// Tells the worker to stop, as often as that, and says which one it was.
    private func tell(
        _ lab: Lab,
        _ verb: String,
        _ times: Int
    ) async throws -> pid_t {
        let worker = try await lab.worker(verb: verb)
        for _ in 0..<times {
            kill(worker, SIGTERM)
            try await Task.sleep(for: .milliseconds(50))
        }
        return worker
    }

    private func expectResult(_ job: GalaxyJob) throws {
        #expect(Shell.text(job.output) == "small\n")
        try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
        #expect(try Shell.run("ls \(job.directory) | grep -c ^mark") == "1\n", "of one try")
    }

    @Test("F43: while it fetches, once and twice", arguments: [1, 2], shapes)
    func aWorkerThatFetchesStopsAndIsFollowedByAnother(_ times: Int, shape: String) async throws {
        try await FaultyStore.run { store in
            let lab = store.lab
            let job = try job(store)
            try store.rules(#"[{"operation": "GetObject", "key": "/stage/", "delay": 600}]"#)
            let options = ["--json", "--set", "retries=0", "--set", "local.shape=\(shape)"]
            let head = try lab.start("run", job, options)
            try await store.wait(for: "GetObject", "/stage/")
            let worker = try await tell(lab, shape == "split" ? "fetch" : "run", times)
            // It ends while the store still says nothing: nobody waits for bytes that nobody wants.
            try await Patience.long.wait("the worker to go") { kill(worker, 0) != 0 }
            try store.rules("[]")
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            let reasons = Set(answer.failedTries)
            #expect(reasons == ["the try was told to stop"], "\(answer.failedTries)")
            try expectResult(job)
            let reports = try await lab.reports()
            #expect(reports.count == answer.failedTries.count + 1, "invariant 4")
        }
    }

    /// It has a pod's grace period for that, and what it has done by then counts.
    @Test("F43: while it pushes, once and twice", arguments: [1, 2], shapes)
    func aWorkerThatPushesGoesOn(_ times: Int, shape: String) async throws {
        try await FaultyStore.run { store in
            let lab = store.lab
            let job = try job(store)
            try store.rules(
                #"[{"operation": "PutObject", "key": "/data/", "times": 1, "delay": 3}]"#
            )
            let options = ["--json", "--set", "retries=0", "--set", "local.shape=\(shape)"]
            let head = try lab.start("run", job, options)
            try await store.wait(for: "PutObject", "/data/")
            _ = try await tell(lab, shape == "split" ? "push" : "run", times)
            let ending = try await head.ending()
            let answer = try RunAnswer(ending)
            #expect(ending.status == 0, "\(answer.ending?.message ?? ending.errors)")
            #expect(answer.failedTries == [])
            try expectResult(job)
        }
    }

    @Test("F53: a run that is cancelled while its worker fetches is over, and nothing goes on")
    func cancelWhileAWorkerFetches() async throws {
        try await FaultyStore.run { store in
            try await cancel(store, [])
        }
    }

    @Test("F53: the same in a pod") func cancelWhileAPodFetches() async throws {
        try await FaultyStore.run { store in
            try await FakeCluster.runWithWorkers(in: store.lab) { fake in
                try await cancel(store, fake.options)
                #expect(try fake.counts().jobs == 0)
            }
        }
    }

    private func cancel(
        _ store: FaultyStore,
        _ options: [String]
    ) async throws {
        let lab = store.lab
        let job = try job(store)
        try store.rules(#"[{"operation": "GetObject", "key": "/stage/", "delay": 600}]"#)
        let head = try lab.start("run", job, ["--json"] + options)
        try await store.wait(for: "GetObject", "/stage/")
        let cancel = try await lab.head("cancel", job, options)
        #expect(cancel.status == 0, "\(cancel.errors)")
        #expect(cancel.output.contains("is over: cancelled"), "\(cancel.output)")
        let answer = try RunAnswer(try await head.ending())
        #expect(answer.ending?.state == "cancelled", "\(answer.ending?.message ?? "")")
        #expect(answer.failedTries == [])
        try await Patience.long.wait("the worker to go") {
            try lab.processes("/state --storage").isEmpty
        }
        #expect(Shell.text(job.output) == "")
        #expect(try await lab.keys("/data/") == [])
        #expect(try await lab.keys("/result.json").count == 1)
    }
}
