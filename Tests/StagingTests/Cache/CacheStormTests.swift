// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Synchronization
import TestSupport
import Testing
import Transport

@testable import Staging

/// Fifty workers of one node begin while the store has had enough.
@Suite struct CacheStormTests {
    /// What each of them is told before it gets an answer.
    private static let refusals = 10

    /// A client of its own, as a process of its own has it, with a budget of its own.
    private func client(_ content: [UInt8]) throws -> S3Store {
        let slowDown = "<Error><Code>SlowDown</Code><Message>later</Message></Error>"
        let fields = [
            HTTPField("content-length", "\(content.count)"), HTTPField("etag", "\"e\""),
        ]
        return S3Store(
            options: try StorageOptions(
                endpoint: S3Endpoint(
                    url: "https://s3.example.org",
                    bucket: "bucket",
                    region: "us-east-1"
                ),
                region: "us-east-1"
            ),
            credentials: FixedCredentials(
                Credentials(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretKey: Redacted("secret"))
            ),
            transport: ScriptedTransport { seen in
                seen.number <= Self.refusals
                    ? .answer(status: 503, body: Array(slowDown.utf8))
                    : .answer(status: 200, fields: fields, body: content)
            },
            budget: RetryBudget(),
            clock: VirtualClock().storeClock
        )
    }

    @Test(.timeLimit(.minutes(2))) func theNodeAsksNoMoreThanOneWorkerWould() async throws {
        let lab = try CacheLab()
        var generator = SeededGenerator(seed: 4)
        let content = generator.bytes(50_000)
        let input = try await lab.input("genome", content)
        let clients = try (0..<50).map { _ in try client(content) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (pod, client) in clients.enumerated() {
                group.addTask { try await lab.fetch(pod: pod, [input], from: client) }
            }
            try await group.waitForAll()
        }
        let retries = clients.reduce(0) { $0 + $1.metrics.counts.retries }
        let requests = clients.reduce(0) { $0 + $1.metrics.counts.allRequests }
        #expect(retries == Self.refusals)
        #expect(requests == Self.refusals + 1)
        for pod in 0..<50 {
            #expect(try TemporaryTree.read(lab.path(input, pod: pod)) == content)
        }
    }
}
