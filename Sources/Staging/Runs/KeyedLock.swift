// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets one task at a time do what a key names. Others that want the same wait in line; other keys are
/// none of theirs.
///
/// Work inside must not ask for another key: whoever has that may be waiting for this one.
package final class KeyedLock: Sendable {
    /// For all runs of a process, which may want the same file at once.
    package static let ofThisProcess = KeyedLock()

    private struct Waiter {
        let ticket: Int
        let continuation: CheckedContinuation<Entry, Never>
    }

    private enum Entry {
        case atOnce
        case afterOthers
        /// The task was cancelled before its turn.
        case never
    }

    private struct State {
        var tickets = 0
        /// Who waits for a key that somebody has, in the order in which they came.
        var lines: [String: [Waiter]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Does `work` while nobody else does what `key` names.
    ///
    /// - Parameter work: is told whether others have had the key since it was asked for, and so may have
    ///   done the same.
    /// - Throws: `.cancelled`, at once, for a task that is cancelled before its turn.
    func hold<Value>(
        _ key: String,
        _ work: (_ hasWaited: Bool) async throws(StagingError) -> Value
    ) async throws(StagingError) -> Value {
        let entry = await enter(key)
        guard entry != .never else {
            throw StagingError(.cancelled, what: "Cancelled while others did the same")
        }
        defer { leave(key) }
        return try await work(entry == .afterOthers)
    }

    /// How many wait for `key`.
    func waiting(for key: String) -> Int { state.withLock { $0.lines[key]?.count ?? 0 } }

    private func enter(_ key: String) async -> Entry {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let entry: Entry? = state.withLock { state in
                    if Task.isCancelled { return .never }
                    guard state.lines[key] != nil else {
                        state.lines[key] = []
                        return .atOnce
                    }
                    state.lines[key]?.append(Waiter(ticket: ticket, continuation: continuation))
                    return nil
                }
                if let entry { continuation.resume(returning: entry) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.lines[key]?.firstIndex { $0.ticket == ticket }
                    .flatMap { state.lines[key]?.remove(at: $0) }
            }
            left?.continuation.resume(returning: .never)
        }
    }

    private func leave(_ key: String) {
        let next: Waiter? = state.withLock { state in
            guard state.lines[key]?.isEmpty == false else {
                state.lines[key] = nil
                return nil
            }
            return state.lines[key]?.removeFirst()
        }
        next?.continuation.resume(returning: .afterOthers)
    }
}
