// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// What `serve` does at its start about the store: one that ignores conditions is refused, one that is
/// away is waited for. Invariant 1.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ServeStartTests {
    @Test func aStoreThatIgnoresConditionsIsRefused() async throws {
        try await FaultyStore.run { store in
            try store.rules(#"[{"method": "PUT", "without": ["If-None-Match"]}]"#)
            let (serving, hello) = try await Serving.begin(store.lab)
            #expect(hello.error?.code == "store", "\(hello)")
            let words = hello.error?.message ?? ""
            for word in ["If-None-Match", store.lab.server.bucket, "Upgrade the store"] {
                #expect(words.contains(word), "\(word): \(words)")
            }
            #expect(hello.error?.retryable == false)
            let ending = try await serving.program.ending()
            #expect(ending.status == 69, "\(ending.errors)")
            #expect(try serving.said.count == 1, "said once")
            #expect(try store.requests().count == 2)
        }
    }

    @Test func aStoreThatHonoursThemIsAskedOnceAgain() async throws {
        try await FaultyStore.run { store in
            for puts in [2, 3] {
                let (serving, hello) = try await Serving.begin(store.lab)
                #expect(hello.error == nil, "\(hello)")
                serving.hangUp()
                #expect(try await serving.program.ending().status == 0)
                // Besides, it asks where it has signed before.
                let trials = try store.requests().filter { $0.key.hasSuffix("doctor/serve") }
                #expect(trials.count == puts)
            }
        }
    }

    @Test(
        "a store that is away, silent or in trouble fails no start, and no job",
        arguments: [#""reset": true"#, #""delay": 3600"#, #""status": 503"#, #""status": 403"#]
    )
    func aStoreThatIsAway(how: String) async throws {
        try await FaultyStore.run { store in
            try store.rules("[{\(how)}]")
            let (serving, hello) = try await Serving.begin(store.lab)
            #expect(hello.error == nil, "\(hello)")
            // The log is another stream than the answer: it may come later.
            try await Patience.long.wait("a word on the store in the log") {
                serving.program.errors.contains("If-None-Match")
            }
            try store.rules("[]")
            let job = try GalaxyJob(folder: store.lab.folder, tool: "echo done > $OUT")
            serving.send("submit", job)
            #expect(try await serving.hearEnd(of: job).state == "ok")
            #expect(Shell.text(job.output) == "done\n")
        }
    }
}
