// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// F60: what a store in trouble is asked beside what it would be asked in any case.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct StoreLoadTests {
    private func job(
        _ lab: Lab,
        _ number: Int
    ) throws -> GalaxyJob {
        let tool = #"md5sum < "$IN1" > "$OUT"; cp "$IN1" copy"#
        let job = try GalaxyJob(id: "\(number)", folder: "\(lab.folder)/\(number)", tool: tool)
        try Shell.run("head -c 20000000 /dev/urandom > \(job.largeInput)")
        return job
    }

    private func expectResult(_ job: GalaxyJob) throws {
        #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
        try Shell.run("cmp \(job.largeInput) \(job.working)/copy")
    }

    @Test(
        "one request in five fails, and the store is asked at most twice as much",
        arguments: [500, 502, 503, 504]
    )
    func oneInFive(status: Int) async throws {
        try await FaultyStore.run { store in
            var asked: [Int] = []
            for rules in ["[]", #"[{"probability": 0.2, "seed": 7, "status": \#(status)}]"#] {
                let before = try store.requests().count
                let job = try job(store.lab, asked.count + 1)
                try store.rules(rules)
                let (end, answer) = try await store.lab.run(job)
                #expect(end == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
                #expect(answer.failedTries == [])
                try store.rules("[]")
                try expectResult(job)
                asked.append(try store.requests().count - before)
            }
            #expect(asked[1] > asked[0], "the fault did not happen")
            #expect(asked[1] <= 2 * asked[0], "\(asked[1]) requests in place of \(asked[0])")
        }
    }

    @Test(
        "many in a row fail, wherever that is; a job in `serve` waits",
        arguments: ["Get", "Put"]
    )
    func manyInARow(operation: String) async throws {
        try await FaultyStore.run { store in
            let times = Lab.isFull ? 20 : 6
            let job = try job(store.lab, 1)
            try store.rules(
                #"[{"operation": "\#(operation)Object", "times": \#(times), "status": 500}]"#
            )
            let (serving, _) = try await Serving.begin(store.lab)
            serving.send("submit", job)
            let end = try await serving.hearEnd(of: job)
            #expect(end.state == "ok", "\(end.message ?? "")")
            #expect(try store.uses() == [times])
            try expectResult(job)
        }
    }
}
