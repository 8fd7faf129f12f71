// SPDX-License-Identifier: Apache-2.0

import Names
import TestSupport
import Testing
import Transport

@testable import S3Client

@Suite struct RetryLoopTests {
    @Test func `pauses are jittered below a ceiling that doubles up to the cap`() {
        let backoff = Backoff()
        var generator = SeededGenerator(seed: 5)
        #expect(backoff.ceiling(.transient, retry: 1) == .milliseconds(50))
        #expect(backoff.ceiling(.transient, retry: 4) == .milliseconds(400))
        #expect(backoff.ceiling(.throttle, retry: 1) == .seconds(1))
        #expect(backoff.ceiling(.throttle, retry: 5) == .seconds(16))
        for kind in [RetryRules.Kind.transient, .throttle, .mismatch] {
            #expect(backoff.ceiling(kind, retry: 1000) == .seconds(20))
            for retry in 1...40 {
                let pause = backoff.pause(kind, retry: retry, floor: nil, using: &generator)
                #expect(pause >= .zero && pause <= backoff.ceiling(kind, retry: retry))
            }
        }
        let floored = backoff.pause(
            .transient,
            retry: 1,
            floor: .seconds(7),
            using: &generator
        )
        #expect(floored == .seconds(7))
    }

    @Test(arguments: [
        ([HTTPField("retry-after", "7")], Duration.seconds(7)),
        ([HTTPField("retry-after", "1000000000")], .seconds(60)),
        ([HTTPField("x-amz-retry-after", "1500")], .milliseconds(1500)),
        (
            [HTTPField("x-amz-retry-after", "1500"), HTTPField("retry-after", "9")],
            .milliseconds(1500)
        ),
        ([HTTPField("x-amz-retry-after", "99999999")], .seconds(60)),
        ([HTTPField("retry-after", "0")], .zero), ([HTTPField("retry-after", "-1")], .zero),
        ([HTTPField("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], .zero),
    ])
    func `the store's wish to wait is a floor`(fields: [HTTPField], floor: Duration) async throws {
        let talk = try Conversation(.error(503, "ServiceUnavailable", fields: fields), .stored)
        try await Use.put.run(on: talk.store)
        let pause = try #require(talk.clock.pauses.first)
        #expect(pause >= floor)
        #expect(pause <= max(floor, .milliseconds(50)))
    }

    @Test func `the standard policy gives up by attempts or by time`() async throws {
        for use in Use.allCases {
            let talk = try Conversation(.error(503, "SlowDown"))
            let found = await code { () throws(S3Error) in try await use.run(on: talk.store) }
            #expect(found == .unavailable)
            #expect(talk.requests.count <= 16)
            #expect(talk.clock.pauses.reduce(.zero, +) <= .seconds(180))
        }
    }

    @Test func `an outage of a minute is outlived`() async throws {
        // Ten runs: the pauses are random.
        for _ in 0..<10 {
            let clock = VirtualClock()
            let start = clock.storeClock.elapsed()
            let results = RetryPolicy.results()
            let talk = try Conversation(policy: results) { _ in .stored }
            let store = S3Store(
                options: talk.store.options,
                credentials: CountingCredentials(),
                transport: ScriptedTransport { _ in
                    clock.storeClock.elapsed() - start < .seconds(600)
                        ? .failure(.unreachable) : .stored
                },
                policy: results,
                budget: RetryBudget(),
                clock: clock.storeClock
            )
            try await Use.put.run(on: store)
            #expect(clock.storeClock.elapsed() - start <= .seconds(600 + 20))
        }
    }

    @Test func `the head fails fast when the budget is spent`() async throws {
        let budget = RetryBudget(capacity: 30)
        let talk = try Conversation(budget: budget) { _ in .error(500, "InternalError") }
        let found = await code { () throws(S3Error) in try await Use.get.run(on: talk.store) }
        #expect(found == .unavailable)
        #expect(talk.requests.count == 3)
        #expect(budget.remaining == 2)
    }

    @Test func `results wait when the budget is spent`() async throws {
        let budget = RetryBudget(capacity: 0)
        let talk = try Conversation(policy: .results(), budget: budget) { seen in
            seen.number < 6 ? .error(503, "SlowDown") : .stored
        }
        try await Use.put.run(on: talk.store)
        #expect(talk.clock.pauses.count == 5)
        #expect(talk.clock.pauses.allSatisfy { $0 == .seconds(20) })
    }

    @Test func `results end with their time`() async throws {
        let talk = try Conversation(policy: .results(within: .seconds(100))) { _ in
            .error(503, "SlowDown")
        }
        let found = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
        #expect(found == .unavailable)
        #expect(talk.clock.pauses.reduce(.zero, +) <= .seconds(100))
        #expect(talk.clock.pauses.reduce(.zero, +) > .seconds(40))
    }

    @Test func `a budget is paid and refunded`() {
        let budget = RetryBudget(capacity: 20)
        #expect(budget.take(.transient) == 14)
        #expect(budget.remaining == 6)
        #expect(budget.take(.transient) == nil)
        #expect(budget.take(.throttle) == 5)
        budget.refund(5)
        budget.refund(nil)
        #expect(budget.remaining == 7)
        budget.refund(14)
        #expect(budget.remaining == 20)
    }

    @Test func `a cancelled task sends nothing more`() async throws {
        let talk = try Conversation(.error(503, "SlowDown"))
        let found = await withTaskGroup(of: S3Error.Code?.self) { group in
            group.cancelAll()
            group.addTask {
                await code { () throws(S3Error) in try await Use.get.run(on: talk.store) }
            }
            return await group.next() ?? nil
        }
        #expect(found == .cancelled)
        #expect(talk.requests.isEmpty)
    }

    @Test func `a retry is told with its reason`() async throws {
        let talk = try Conversation(.error(503, "SlowDown"), .stored)
        try await Use.put.run(on: talk.store)
        guard case .retrying(let what, let attempt, _, let why) = talk.events.all.first else {
            Issue.record("no event")
            return
        }
        #expect(what == "Cannot put s3://bucket/k")
        #expect(attempt == 1)
        #expect(why == "503 SlowDown")
    }
}
