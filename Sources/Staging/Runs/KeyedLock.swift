// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Has what several tasks want made by one of them: the others wait, and then find it. Each thing has a key;
/// other keys are nobody's concern.
///
/// What makes a thing must not ask for another: whoever makes that may be waiting for this one.
package final class KeyedLock: Sendable {
    /// For all runs of a process, which may want the same file at once.
    package static let ofThisProcess = KeyedLock()

    private struct Waiter {
        let ticket: Int
        let continuation: CheckedContinuation<Turn, Never>
    }

    private enum Turn {
        case mine
        /// The one before has failed, and so would this one.
        case failed(StagingError)
    }

    /// What is known of a key while somebody wants what it names.
    private struct Line {
        var interested = 0
        var isTaken = false
        /// How many have made it, or tried.
        var ended = 0
        /// In the order in which they came.
        var waiting: [Waiter] = []
    }

    private struct State {
        var tickets = 0
        var lines: [String: Line] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// What `find` finds, or else what `make` makes while nobody else makes what `key` names.
    ///
    /// - Parameter find: is asked once more when others may have made it since.
    /// - Throws: what the store has kept doing to the one before; `.cancelled`, at once, for a task that is
    ///   cancelled before its turn.
    func once<Value>(
        _ key: String,
        find: () async throws(StagingError) -> Value?,
        make: () async throws(StagingError) -> Value
    ) async throws(StagingError) -> Value {
        let before = join(key)
        defer { leave(key) }
        if let found = try await find() { return found }
        if case .failed(let failure) = await turn(key) { throw failure }
        do throws(StagingError) {
            var found: Value?
            if ended(key) != before { found = try await find() }
            let value: Value
            if let found { value = found } else { value = try await make() }
            pass(key)
            return value
        } catch {
            // Retried for minutes: of many that wait, each would do the same for as long. A run that is told
            // of it begins anew later, like any that the store has failed.
            if error.isRetryable { fail(key, error) } else { pass(key) }
            throw error
        }
    }

    /// How many wait for `key`.
    func waiting(for key: String) -> Int { state.withLock { $0.lines[key]?.waiting.count ?? 0 } }

    /// Of how many keys something is known.
    var count: Int { state.withLock { $0.lines.count } }

    /// - Returns: how many have made it by now.
    private func join(_ key: String) -> Int {
        state.withLock { state in
            state.lines[key, default: Line()].interested += 1
            return state.lines[key]?.ended ?? 0
        }
    }

    private func leave(_ key: String) {
        state.withLock { state in
            state.lines[key]?.interested -= 1
            if state.lines[key]?.interested == 0 { state.lines[key] = nil }
        }
    }

    private func ended(_ key: String) -> Int { state.withLock { $0.lines[key]?.ended ?? 0 } }

    private func turn(_ key: String) async -> Turn {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turn: Turn? = state.withLock { state in
                    if Task.isCancelled { return .failed(Self.cancelled) }
                    guard state.lines[key]?.isTaken == true else {
                        state.lines[key]?.isTaken = true
                        return .mine
                    }
                    let waiter = Waiter(ticket: ticket, continuation: continuation)
                    state.lines[key]?.waiting.append(waiter)
                    return nil
                }
                if let turn { continuation.resume(returning: turn) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.lines[key]?.waiting.firstIndex { $0.ticket == ticket }
                    .flatMap { state.lines[key]?.waiting.remove(at: $0) }
            }
            left?.continuation.resume(returning: .failed(Self.cancelled))
        }
    }

    private static var cancelled: StagingError {
        StagingError(.cancelled, what: "Cancelled while others did the same")
    }

    /// The next one's turn.
    private func pass(_ key: String) {
        let next: Waiter? = state.withLock { state in
            state.lines[key]?.ended += 1
            guard state.lines[key]?.waiting.isEmpty == false else {
                state.lines[key]?.isTaken = false
                return nil
            }
            return state.lines[key]?.waiting.removeFirst()
        }
        next?.continuation.resume(returning: .mine)
    }

    /// Tells all who wait.
    private func fail(_ key: String, _ failure: StagingError) {
        let waiting = state.withLock { state in
            defer { state.lines[key]?.waiting = [] }
            state.lines[key]?.ended += 1
            state.lines[key]?.isTaken = false
            return state.lines[key]?.waiting ?? []
        }
        for waiter in waiting { waiter.continuation.resume(returning: .failed(failure)) }
    }
}
