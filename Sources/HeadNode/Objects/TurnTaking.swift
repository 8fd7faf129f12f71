// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Does `work` for each number below `count`, `limit` of them at a time, in their order of beginning.
///
/// A task for each place, not for each number: 20,000 files need no 20,000 tasks.
/// - Parameter work: gives whether to go on; after a no, nothing new is begun.
func takingTurns(
    _ count: Int,
    limit: Int,
    _ work: @escaping @Sendable (Int) async -> Bool
) async {
    let turn = Turn()
    await withDiscardingTaskGroup { group in
        for _ in 0..<min(max(limit, 1), count) {
            group.addTask {
                while !Task.isCancelled, let number = turn.next(below: count) {
                    if !(await work(number)) { turn.end() }
                }
            }
        }
    }
}

/// Whose turn it is.
private final class Turn: Sendable {
    private let number = Atomic<Int>(0)

    func next(below count: Int) -> Int? {
        let mine = number.wrappingAdd(1, ordering: .relaxed).oldValue
        return mine < count ? mine : nil
    }

    /// Nobody gets another turn.
    func end() { number.store(.max >> 1, ordering: .relaxed) }
}
