// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Places for requests that move bytes, which several transfers share: whoever asks first has the
/// next one, so that none stays empty while a part waits, whichever file it is of.
///
/// Nobody is turned away for being cancelled: work that is cancelled ends as soon as it has its place.
package final class TransferRoom: Sendable, Equatable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    package init(places: Int) {
        precondition(places >= 1, "somebody has to move")
        state = Mutex(State(free: places))
    }

    /// Only the same places are equal.
    package static func == (one: TransferRoom, other: TransferRoom) -> Bool { one === other }

    /// Does `work` once there is a place for it.
    func place<Value>(
        _ work: () async throws(S3Error) -> Value
    ) async throws(S3Error) -> Value {
        await enter()
        defer { leave() }
        return try await work()
    }

    /// How many stand in line.
    var waiting: Int { state.withLock { $0.waiting.count } }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let hasPlace = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if hasPlace { continuation.resume() }
        }
    }

    private func leave() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
