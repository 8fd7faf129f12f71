// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Stops one piece of work among many, for those who have no task to cancel.
final class StopSwitch: Sendable {
    private struct State {
        var isStopped = false
        var waker: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Cancels the work that is guarded, now and later.
    func stop() {
        let waker = state.withLock { state in
            state.isStopped = true
            return state.waker
        }
        waker?()
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Does `work`, which is cancelled when somebody turns the switch.
    func guarding<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        let (stops, stop) = AsyncStream.makeStream(
            of: Void.self,
            bufferingPolicy: .bufferingOldest(1)
        )
        let isStopped = state.withLock { state in
            state.waker = { stop.yield() }
            return state.isStopped
        }
        if isStopped { stop.yield() }
        defer { state.withLock { $0.waker = nil } }
        let outcome = await withTaskGroup(
            of: Result<Value, HeadError>?.self,
            returning: Result<Value, HeadError>?.self
        ) { group in
            group.addTask {
                do throws(HeadError) {
                    return .success(try await work())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                for await _ in stops { break }
                return nil
            }
            for await ended in group {
                group.cancelAll()
                if let ended { return ended }
            }
            return nil
        }
        guard let outcome else { throw HeadError(.interrupted, what: "Stopped") }
        return try outcome.get()
    }
}
