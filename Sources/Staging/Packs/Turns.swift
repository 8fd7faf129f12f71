// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets tasks go in their order, a few at a time.
///
/// Nobody is turned away for being cancelled: those behind would wait for ever.
final class Turns: Sendable {
    /// What a task that asks for its turn is told.
    enum Answer: Sendable {
        /// It is its turn, until it leaves.
        case now
        /// It was its turn before.
        case past
        /// One of them has failed, of this.
        case never(StagingError)
    }

    private struct State {
        var next: Int64 = 0
        /// How many more may go.
        var free: Int
        var failure: StagingError?
        var waiting: [Int64: CheckedContinuation<Answer, Never>] = [:]

        mutating func answer(to turn: Int64) -> Answer? {
            if let failure { return .never(failure) }
            if turn < next { return .past }
            guard turn == next, free > 0 else { return nil }
            free -= 1
            return .now
        }

        /// The one whose turn it has become.
        mutating func takeNext() -> CheckedContinuation<Answer, Never>? {
            guard free > 0, let found = waiting.removeValue(forKey: next) else { return nil }
            free -= 1
            return found
        }
    }

    private let state: Mutex<State>

    /// - Parameter atOnce: how many may go at a time.
    init(atOnce: Int = 1) { state = Mutex(State(free: atOnce)) }

    /// Waits until it is the turn of `turn`, which one task at a time may ask for.
    func turn(of turn: Int64) async -> Answer {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state in
                let answer = state.answer(to: turn)
                if answer == nil { state.waiting[turn] = continuation }
                return answer
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Says who comes after the one that calls it, once.
    func pass(to next: Int64) {
        state.withLock { state in
            state.next = next
            return state.takeNext()
        }?
        .resume(returning: .now)
    }

    /// Makes room for another, at the end of a turn.
    func leave() {
        state.withLock { state in
            state.free += 1
            return state.takeNext()
        }?
        .resume(returning: .now)
    }

    /// Sends all away who wait, and who will.
    func end(_ failure: StagingError) {
        let waiting = state.withLock { state in
            state.failure = state.failure ?? failure
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: .never(failure)) }
    }
}
