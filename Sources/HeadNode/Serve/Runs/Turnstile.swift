// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets a limited number through at once; the others wait in line, those in a hurry before the rest.
final class Turnstile: Sendable {
    enum Urgency: Sendable {
        /// Somebody waits for what is there already.
        case urgent
        case ordinary
    }

    private struct State {
        var free: Int
        var nextTicket: UInt64 = 0
        var urgent = Line()
        var ordinary = Line()
    }

    /// First come, first served; leaving the line costs nothing, however long it is.
    private struct Line {
        private var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        private var order: [UInt64] = []
        private var head = 0

        var count: Int { waiters.count }

        mutating func join(_ ticket: UInt64, _ waiter: CheckedContinuation<Bool, Never>) {
            waiters[ticket] = waiter
            order.append(ticket)
        }

        mutating func leave(_ ticket: UInt64) -> CheckedContinuation<Bool, Never>? {
            waiters.removeValue(forKey: ticket)
        }

        mutating func first() -> CheckedContinuation<Bool, Never>? {
            defer {
                if head > 1024, head * 2 > order.count {
                    order.removeFirst(head)
                    head = 0
                }
            }
            while head < order.count {
                head += 1
                if let waiter = waiters.removeValue(forKey: order[head - 1]) { return waiter }
            }
            return nil
        }
    }

    private let state: Mutex<State>

    init(limit: Int) {
        precondition(limit > 0, "nobody would ever get through")
        state = Mutex(State(free: limit))
    }

    /// How many wait in line.
    var waiting: Int { state.withLock { $0.urgent.count + $0.ordinary.count } }

    /// Whether who comes now has to wait.
    var isFull: Bool { state.withLock { $0.free == 0 } }

    /// Does `body` when it is its turn.
    ///
    /// - Throws: `.interrupted` when the task was cancelled before its turn came.
    func pass<Value>(
        _ urgency: Urgency = .ordinary,
        _ body: () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        guard await enter(urgency) else {
            throw HeadError(.interrupted, what: "Waiting in line was interrupted")
        }
        defer { leave() }
        return try await body()
    }

    /// - Returns: whether we are in; false for a task that was cancelled.
    private func enter(_ urgency: Urgency) async -> Bool {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    switch urgency {
                    case .urgent: state.urgent.join(ticket, waiter)
                    case .ordinary: state.ordinary.join(ticket, waiter)
                    }
                    return nil
                }
                if let answer { waiter.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.urgent.leave(ticket) ?? state.ordinary.leave(ticket)
            }
            waiter?.resume(returning: false)
        }
    }

    private func leave() {
        let next = state.withLock { state in
            let next = state.urgent.first() ?? state.ordinary.first()
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume(returning: true)
    }
}
