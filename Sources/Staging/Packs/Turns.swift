// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets tasks go one after the other, each when all that comes before it is done.
///
/// Nobody is turned away for being cancelled: those behind would wait for ever.
final class Turns: Sendable {
    /// What a task that asks for its turn is told.
    enum Answer: Sendable {
        /// It is its turn, until it says who is next.
        case now
        /// It was its turn before.
        case past
        /// One before it has failed, of this.
        case never(StagingError)
    }

    private struct State {
        var next: Int64 = 0
        var failure: StagingError?
        var waiting: [Int64: CheckedContinuation<Answer, Never>] = [:]

        func answer(to turn: Int64) -> Answer? {
            if turn < next { return .past }
            if let failure { return .never(failure) }
            return turn == next ? .now : nil
        }
    }

    private let state = Mutex(State())

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

    /// Lets the next one go.
    func pass(to next: Int64) {
        state.withLock { state in
            state.next = next
            return state.waiting.removeValue(forKey: next)
        }?
        .resume(returning: .now)
    }

    /// Sends all away who wait, and who will.
    func end(_ failure: StagingError) {
        let waiting = state.withLock { state in
            state.failure = failure
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: .never(failure)) }
    }
}
