// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import TestSupport
import Testing

@testable import HeadNode

@Suite struct TrySequelTests {
    private let settings = ScriptedWork.settings

    private func state(_ tries: [RunState.Try]) throws -> RunState {
        var state = RunState(
            run: try RunID("1-0123456789abcdef"),
            descriptionSHA256: SHA256Digest(of: []),
            place: RunPlace(try settings.get())
        )
        state.tries = tries
        return state
    }

    /// What follows `end`, after tries that came to these verdicts.
    private func due(
        _ end: TryEnd,
        after earlier: [RunState.Try] = [],
        words: String = ""
    ) throws -> RunState.Due? {
        let settings = try settings.get()
        let state = try state(earlier + [RunState.Try(number: earlier.count + 1)])
        let desk = ResultDesk(store: InMemoryObjectStore(), settings: settings, run: state.run)
        return TrySequel(TryVerdict(end), end, after: state, settings).due(desk, words)
    }

    private func tries(_ count: Int, _ verdict: String, isDisruption: Bool) -> [RunState.Try] {
        (0..<count)
            .map { RunState.Try(number: $0 + 1, verdict: verdict, isDisruption: isDisruption) }
    }

    private func failure(_ due: RunState.Due?) -> String? {
        guard case .end(.failed, let words) = due else { return nil }
        return words
    }

    @Test func aTryOfTheRunsOwnBudgetComesAgainUntilThatIsSpent() throws {
        let retries = try settings.get().retries
        let end = TryEnd.exited(WorkerExit.unreachable.rawValue)
        for used in 0..<retries {
            #expect(try due(end, after: tries(used, "x", isDisruption: false)) == nil)
        }
        let all = tries(retries, "x", isDisruption: false)
        let spent = try due(end, after: all, words: "No route.")
        #expect(failure(spent)?.contains("failed in \(retries + 1) tries") == true)
        #expect(failure(spent)?.contains("No route.") == true)
        let disrupted = tries(20, "x", isDisruption: true)
        #expect(try due(end, after: disrupted) == nil, "disruptions are another budget")
    }

    @Test func aDisruptionComesAgainUntilThereWereTooMany() throws {
        let disruptions = try settings.get().disruptions
        let end = TryEnd.killed("evicted")
        let before = tries(disruptions - 1, "x", isDisruption: true)
        #expect(try due(end, after: before) == nil)
        let spent = try due(end, after: tries(disruptions, "x", isDisruption: true))
        #expect(failure(spent)?.contains("was disrupted \(disruptions + 1) times") == true)
    }

    @Test func aLimitEndsTheRunWithItsReason() throws {
        #expect(try due(.outOfMemory("too small")) == .end(.outOfMemory, "too small"))
        #expect(try due(.walltime("too short")) == .end(.walltime, "too short"))
    }

    @Test func whatNoTryMendsEndsTheRun() throws {
        #expect(failure(try due(.impossible("no such image")))?.contains("no such image") == true)
        let lost = failure(try due(.exited(WorkerExit.committed.rawValue)))
        #expect(lost?.contains("/result.json") == true)
    }

    @Test func aStarvedWorkerGetsOneMoreTry() throws {
        #expect(try due(.starved("64 MiB")) == nil)
        let again = try due(.starved("64 MiB"), after: tries(1, "64 MiB", isDisruption: false))
        #expect(failure(again) != nil)
    }

    @Test func anInputThatIsNotThereIsStagedAgain() throws {
        #expect(try due(.exited(WorkerExit.input.rawValue)) == .restage)
    }

    @Test func whatIsDueIsNotedAndReadAsItWas() throws {
        for due in [RunState.Due.restage, .end(.outOfMemory, "Too \"small\".")] {
            var noted = RunState.Try(number: 1, verdict: "x")
            noted.due = due
            let state = try state([noted])
            let bytes = try ContractCoding.encode(state)
            #expect(try ContractCoding.decode(RunState.self, from: bytes, name: "notes") == state)
        }
    }
}
