// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client
import TestSupport
import Testing

@testable import HeadNode

@Suite struct ConditionalPutTrialTests {
    private func trial(_ store: AlteredStore) throws -> ConditionalPutTrial {
        ConditionalPutTrial(store: store, key: try ObjectKey("p/doctor/serve"))
    }

    @Test func theFirstTimeCostsTwoRequestsAndEachLaterOne() async throws {
        let inner = InMemoryObjectStore()
        let trial = try trial(AlteredStore(inner: inner))
        #expect(try await trial.inTurn() == nil)
        #expect(inner.calls.count == 2)
        #expect(try await trial.inTurn() == nil)
        #expect(inner.calls.count == 3)
        #expect(inner.keys == [trial.key])
    }

    @Test func aStoreThatForgetsConditionsIsFound() async throws {
        var store = AlteredStore(inner: InMemoryObjectStore())
        store.forgetsConditions = true
        let trial = try trial(store)
        #expect(try await trial.inTurn()?.hasPrefix("Two writers") == true)
        #expect(try await trial.inTurn() != nil, "also when the object is there")
        #expect(try await trial.atOnce()?.hasPrefix("3 of three writers") == true)
    }

    @Test func aStoreThatRefusesConditionsIsFoundAndOneThatIsFullIsNot() async throws {
        let inner = InMemoryObjectStore()
        var store = AlteredStore(inner: inner)
        store.refusesConditions = true
        #expect(try await trial(store).inTurn()?.contains("on condition") == true)
        let full = InMemoryObjectStore { _ throws(S3Error) in
            throw S3Error(.refused, what: "Cannot put: QuotaExceeded")
        }
        await #expect(throws: S3Error.self) { try await trial(AlteredStore(inner: full)).inTurn() }
    }

    @Test func aStoreThatIsAwayIsNotCalledBad() async throws {
        let inner = InMemoryObjectStore { _ throws(S3Error) in
            throw S3Error(.unreachable, what: "Cannot put: no route", remedy: "Plug it in.")
        }
        let trial = try trial(AlteredStore(inner: inner))
        await #expect(throws: S3Error.self) { try await trial.inTurn() }
    }

    /// A process that serves begins all the same, and finds out later.
    @Test(arguments: [true, false])
    func aStoreThatWasAwayIsAskedAgain(forgetsConditions: Bool) async throws {
        let calls = Counter()
        let inner = InMemoryObjectStore { _ throws(S3Error) in
            guard calls.next() <= 2 else { return }
            throw S3Error(.unreachable, what: "Cannot put: no route", remedy: "Plug it in.")
        }
        var store = AlteredStore(inner: inner)
        store.forgetsConditions = forgetsConditions
        let key = try ObjectKey("p/doctor/serve")
        let trial = StoreTrial(store: store, key: key, pause: .milliseconds(1))
        guard case .unknown(let why) = await trial.ask() else {
            Issue.record("nobody can know")
            return
        }
        #expect(why.contains("no route"))
        let objection = await trial.askAgain()
        #expect((objection != nil) == forgetsConditions)
        #expect(objection?.exitStatus ?? 69 == 69)
        #expect(calls.value >= 4)
    }
}
