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
        /// The one before has failed, and so would this one.
        case failed(StagingError)
    }

    /// How many turns have ended, of all keys.
    struct Mark: Equatable {
        fileprivate let ended: Int
    }

    private struct State {
        var tickets = 0
        var ended = 0
        /// Who waits for a key that somebody has, in the order in which they came.
        var lines: [String: [Waiter]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// What has been done by now.
    var mark: Mark { state.withLock { Mark(ended: $0.ended) } }

    /// Does `work` while nobody else does what `key` names.
    ///
    /// - Parameters:
    ///   - mark: from before the caller looked whether it is done already.
    ///   - work: is told whether others may have done it since.
    /// - Throws: what the store has kept doing to the one before; `.cancelled`, at once, for a task that is
    ///   cancelled before its turn.
    func hold<Value>(
        _ key: String,
        since mark: Mark,
        _ work: (_ mayBeDone: Bool) async throws(StagingError) -> Value
    ) async throws(StagingError) -> Value {
        let mayBeDone: Bool
        switch await enter(key) {
        case .atOnce: mayBeDone = self.mark != mark
        case .afterOthers: mayBeDone = true
        case .failed(let failure): throw failure
        }
        do throws(StagingError) {
            let value = try await work(mayBeDone)
            leave(key)
            return value
        } catch {
            // Retried for minutes: of many that wait, each would do the same for as long.
            if error.isRetryable { fail(key, error) } else { leave(key) }
            throw error
        }
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
                    if Task.isCancelled { return .failed(Self.cancelled) }
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
            left?.continuation.resume(returning: .failed(Self.cancelled))
        }
    }

    private static var cancelled: StagingError {
        StagingError(.cancelled, what: "Cancelled while others did the same")
    }

    private func leave(_ key: String) {
        let next: Waiter? = state.withLock { state in
            state.ended += 1
            guard state.lines[key]?.isEmpty == false else {
                state.lines[key] = nil
                return nil
            }
            return state.lines[key]?.removeFirst()
        }
        next?.continuation.resume(returning: .afterOthers)
    }

    /// Tells all who wait for it.
    private func fail(_ key: String, _ failure: StagingError) {
        let line = state.withLock { state in
            state.ended += 1
            return state.lines.removeValue(forKey: key) ?? []
        }
        for waiter in line { waiter.continuation.resume(returning: .failed(failure)) }
    }
}
