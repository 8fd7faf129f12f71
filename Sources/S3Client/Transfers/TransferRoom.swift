// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Places for requests that move bytes, which several transfers share: none stays empty while somebody
/// waits, and the next one goes to the transfer that has the fewest, so that none stands still because
/// others have more to move.
///
/// Work inside must not wait for work that may still be in line.
package final class TransferRoom: Sendable, Equatable {
    /// One transfer among those that share the places.
    struct Member: Sendable, Hashable {
        fileprivate let number: Int
    }

    private struct State {
        struct Waiting {
            let ticket: Int
            let member: Member
            let continuation: CheckedContinuation<Bool, Never>
        }

        var free: Int
        var numbers = 0
        var held: [Member: Int] = [:]
        /// In the order in which they came.
        var waiting: [Waiting] = []

        mutating func draw() -> Int {
            numbers += 1
            return numbers
        }

        /// Gives the place of `member` to whoever is next.
        mutating func pass(from member: Member) -> CheckedContinuation<Bool, Never>? {
            let left = held[member, default: 1] - 1
            held[member] = left > 0 ? left : nil
            let next = waiting.indices.min {
                held[waiting[$0].member, default: 0] < held[waiting[$1].member, default: 0]
            }
            guard let next else {
                free += 1
                return nil
            }
            let found = waiting.remove(at: next)
            held[found.member, default: 0] += 1
            return found.continuation
        }
    }

    private let state: Mutex<State>

    package init(places: Int) {
        precondition(places >= 1, "somebody has to move")
        state = Mutex(State(free: places))
    }

    /// Only the same places are equal.
    package static func == (one: TransferRoom, other: TransferRoom) -> Bool { one === other }

    /// A transfer that joins the others.
    func join() -> Member { Member(number: state.withLock { $0.draw() }) }

    /// Does `work` of a member once there is a place for it.
    ///
    /// - Throws: `.cancelled`, at once, for a task that is cancelled before it has its place.
    func place<Value>(
        of member: Member,
        _ work: () async throws(S3Error) -> Value
    ) async throws(S3Error) -> Value {
        guard await enter(member) else {
            throw S3Error(.cancelled, what: "Cancelled before it was begun")
        }
        defer { leave(member) }
        return try await work()
    }

    /// How many stand in line.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Whether who asks now has to wait.
    var isFull: Bool { state.withLock { $0.free == 0 } }

    /// - Returns: whether there is a place; false for a task that was cancelled.
    private func enter(_ member: Member) async -> Bool {
        let ticket = state.withLock { $0.draw() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    guard state.free > 0 else {
                        state.waiting.append(
                            State.Waiting(
                                ticket: ticket,
                                member: member,
                                continuation: continuation
                            )
                        )
                        return nil
                    }
                    state.free -= 1
                    state.held[member, default: 0] += 1
                    return true
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.waiting.firstIndex { $0.ticket == ticket }
                    .map { state.waiting.remove(at: $0).continuation }
            }
            left?.resume(returning: false)
        }
    }

    private func leave(_ member: Member) {
        state.withLock { $0.pass(from: member) }?.resume(returning: true)
    }
}
