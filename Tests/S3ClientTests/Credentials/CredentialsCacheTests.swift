// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite struct CredentialsCacheTests {
    /// A place that answers when it is told to.
    final class Gate: CredentialsProvider {
        private let counter = Counter()
        private let answer: @Sendable (Int) async throws(S3Error) -> CredentialsFinding

        init(_ answer: @escaping @Sendable (Int) async throws(S3Error) -> CredentialsFinding) {
            self.answer = answer
        }

        var looks: Int { counter.value }

        func find() async throws(S3Error) -> CredentialsFinding { try await answer(counter.next()) }
    }

    static func keys(_ number: Int, expires: Int64? = nil) -> CredentialsFinding {
        .found(
            Credentials(
                accessKeyID: "KEY\(number)",
                secretKey: Redacted("s"),
                expires: expires.map { Timestamp(seconds: $0) }
            )
        )
    }

    @Test func `a hundred who ask at once share one look-up`() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate { number throws(S3Error) in
            for await _ in signals { break }
            return Self.keys(number)
        }
        let cache = CredentialsCache(gate, clock: VirtualClock().storeClock)
        let found = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<100 { group.addTask { try? await cache.get().accessKeyID } }
            signal.yield()
            return await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(found == Array(repeating: "KEY1", count: 100))
        #expect(gate.looks == 1)
    }

    @Test func `a waiter that is cancelled goes at once, and the look-up goes on`() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate { number throws(S3Error) in
            start.yield()
            for await _ in signals { break }
            return Self.keys(number)
        }
        let cache = CredentialsCache(gate, clock: VirtualClock().storeClock)
        let cancelled = await withTaskGroup(of: S3Error.Code?.self) { group in
            group.addTask { await code { () throws(S3Error) in try await cache.get() } }
            for await _ in starts { break }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(cancelled == .cancelled)
        signal.yield()
        #expect(try await cache.get().accessKeyID == "KEY1")
        #expect(gate.looks == 1)
    }

    @Test func `they are renewed 15 minutes before they expire`() async throws {
        let clock = VirtualClock()
        let gate = Gate { number throws(S3Error) in
            Self.keys(number, expires: 1_700_000_000 + Int64(number) * 3600)
        }
        let cache = CredentialsCache(gate, clock: clock.storeClock)
        #expect(try await cache.get().accessKeyID == "KEY1")
        clock.advance(by: 2700)
        #expect(try await cache.get().accessKeyID == "KEY1")
        clock.advance(by: 1)
        #expect(try await cache.get().accessKeyID == "KEY2")
    }

    @Test func `short-lived ones are renewed in the last quarter`() async throws {
        let clock = VirtualClock()
        let gate = Gate { number throws(S3Error) in Self.keys(number, expires: 1_700_000_900) }
        let cache = CredentialsCache(gate, clock: clock.storeClock)
        _ = try await cache.get()
        clock.advance(by: 675)
        _ = try await cache.get()
        #expect(gate.looks == 1)
        clock.advance(by: 1)
        _ = try await cache.get()
        #expect(gate.looks == 2)
    }

    @Test func `a failed renewal keeps what can still be used, and is tried again`() async throws {
        let clock = VirtualClock()
        let gate = Gate { number throws(S3Error) in
            if number == 1 { return Self.keys(1, expires: 1_700_003_600) }
            if number < 4 { throw S3Error(.unavailable, what: "STS is away") }
            return Self.keys(number)
        }
        let cache = CredentialsCache(gate, clock: clock.storeClock)
        _ = try await cache.get()
        clock.advance(by: 3000)
        #expect(try await cache.get().accessKeyID == "KEY1")
        #expect(gate.looks == 2)
        #expect(try await cache.get().accessKeyID == "KEY1")
        #expect(gate.looks == 2)
        clock.advance(by: 545)
        let failed = await code { () throws(S3Error) in try await cache.get() }
        #expect(failed == .unavailable)
        #expect(try await cache.get().accessKeyID == "KEY4")
    }

    @Test func `what was forgotten during a look-up does not come back`() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let gate = Gate { number throws(S3Error) in
            if number == 1 {
                start.yield()
                for await _ in signals { break }
            }
            return Self.keys(number)
        }
        let cache = CredentialsCache(gate, clock: VirtualClock().storeClock)
        async let first = cache.get()
        for await _ in starts { break }
        await cache.forget()
        signal.yield()
        #expect(try await first.accessKeyID == "KEY2")
    }

    @Test func `secrets show nowhere`() async throws {
        let credentials = Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted("canary-secret"),
            sessionToken: Redacted("canary-token")
        )
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("canary"))
        }
        #expect(credentials.shortKeyID == "AKIA…LE")
    }
}
