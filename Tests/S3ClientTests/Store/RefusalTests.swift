// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import S3Client
import TestSupport
import Testing
import Transport

/// A server that checks signatures, clocks and buckets says no, and we understand it.
@Suite(.enabled(if: !TestServer.isOff)) struct RefusalTests {
    private func failure(
        _ store: S3Store,
        _ work: (S3Store, ObjectKey) async throws(S3Error) -> Void
    ) async throws -> S3Error {
        let key = try ObjectKey("refusals/\(Hex.encode(SecureRandom.bytes(8)))")
        var found: S3Error?
        do throws(S3Error) { try await work(store, key) } catch { found = error }
        return try #require(found)
    }

    private func put(_ store: S3Store, _ key: ObjectKey) async throws(S3Error) {
        _ = try await store.put(key, bytes: [1])
    }

    @Test func `a wrong secret`() async throws {
        let server = try await TestServer.running(.seaweed)
        let wrong = Credentials(
            accessKeyID: server.credentials.accessKeyID,
            secretKey: Redacted("wrong-secret-canary")
        )
        let found = try await failure(server.store(credentials: wrong), put)
        #expect(found.code == .accessDenied)
        #expect(found.serverCode == "SignatureDoesNotMatch")
        #expect(!found.tree.contains("canary"))
    }

    @Test func `an unknown key`() async throws {
        let server = try await TestServer.running(.seaweed)
        let wrong = Credentials(accessKeyID: "AKIAUNKNOWN", secretKey: Redacted("s"))
        let found = try await failure(server.store(credentials: wrong), put)
        #expect(found.serverCode == "InvalidAccessKeyId")
    }

    @Test func `a clock that is 20 minutes off is corrected`() async throws {
        let server = try await TestServer.running(.seaweed)
        for offset in [-1200, 1200] as [Int64] {
            let system = StoreClock.system
            let clock = StoreClock(
                now: { Timestamp(seconds: system.now().seconds + offset) },
                elapsed: system.elapsed,
                sleep: system.sleep
            )
            let store = try server.store(clock: clock)
            let key = try ObjectKey("refusals/\(Hex.encode(SecureRandom.bytes(8)))")
            _ = try await store.put(key, bytes: [1])
            #expect(store.metrics.counts.allRequests == 2)
        }
    }

    @Test func `a bucket that is not there`() async throws {
        let server = try await TestServer.running(.moto)
        let found = try await failure(server.store(bucket: "no-such-bucket"), put)
        #expect(found.code == .noSuchBucket)
    }

    @Test func `an endpoint that nobody serves`() async throws {
        let server = try await TestServer.running(.moto)
        let endpoint = try S3Endpoint(
            url: "http://127.0.0.1:1",
            bucket: "bucket",
            region: "us-east-1"
        )
        let store = S3Store(
            options: try StorageOptions(endpoint: endpoint, region: "us-east-1"),
            credentials: FixedCredentials(server.credentials),
            transport: try CurlTransport(),
            policy: RetryPolicy(attempts: 2, time: .seconds(30), whenBudgetIsEmpty: .fail),
            budget: RetryBudget()
        )
        let found = try await failure(store, put)
        #expect(found.code == .unreachable)
        #expect(!found.isAmbiguous)
        #expect(found.line.contains("http://127.0.0.1:1"))
    }

    @Test func `a store without checksums`() async throws {
        let server = try await TestServer.running(.seaweed)
        let store = try server.store(checksums: .whenRequired)
        let key = try ObjectKey("refusals/\(Hex.encode(SecureRandom.bytes(8)))")
        let bytes = patterned(200_000)
        _ = try await store.put(key, bytes: bytes)
        #expect(try await store.bytes(of: key, limit: 1 << 20)?.bytes == bytes)
        let big = patterned(12 << 20)
        let limits = TransferLimits(thresholdBytes: 6 << 20)
        _ = try await Upload(to: store, limits: limits).run(MemorySource(big), at: key)
        #expect(try await store.bytes(of: key, limit: 1 << 24)?.bytes == big)
        try await store.delete([key])
        #expect(try await store.head(key) == nil)
    }
}
