// SPDX-License-Identifier: Apache-2.0

/// Which of several event loops the next request goes to.
///
/// A few requests stay with the first loop, so that they share its connections. Once a loop has what
/// keeps its thread busy the next one helps, and when all have that, the one with the fewest gets it.
struct LoopChoice {
    /// What keeps a thread busy: a whole object in parts has as many under way.
    static let ample = 4

    /// Of each loop.
    private var underWay: [Int]

    init(loops: Int) { underWay = [Int](repeating: 0, count: max(loops, 1)) }

    /// The loop of a request that begins; it counts until `end`.
    mutating func begin() -> Int {
        let fewest = underWay.min() ?? 0
        let index = underWay.firstIndex { $0 < Self.ample || $0 == fewest } ?? 0
        underWay[index] += 1
        return index
    }

    /// A request of this loop's is over.
    mutating func end(_ index: Int) { underWay[index] -= 1 }
}
