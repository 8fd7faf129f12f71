// SPDX-License-Identifier: Apache-2.0

/// Which part of a transfer is begun when. Pure.
///
/// As many as `parallel` are under way to begin with. A part that two looks in a row have seen, a
/// patience apart, is slow, and from then on as many as `widest` are.
struct PartPace {
    private var waiting: ClosedRange<Int>?
    /// By number: how many looks there had been when it began.
    private var underWay: [Int: Int] = [:]
    private var looks = 0
    private var width: Int
    private let widest: Int

    init(_ numbers: ClosedRange<Int>, _ limits: TransferLimits) {
        waiting = numbers
        width = limits.parallel
        widest = limits.widest
    }

    /// Whether nothing is under way.
    var isIdle: Bool { underWay.isEmpty }

    /// Whether looks may change anything yet.
    var mayWiden: Bool { width < widest && waiting != nil }

    /// The part to begin now, if one more may be under way.
    mutating func begin() -> Int? {
        guard underWay.count < width, let numbers = waiting else { return nil }
        let next = numbers.lowerBound
        waiting = next < numbers.upperBound ? (next + 1)...numbers.upperBound : nil
        underWay[next] = looks
        return next
    }

    /// This part is over.
    mutating func end(_ number: Int) { underWay[number] = nil }

    /// A patience has passed since the last look, or since the first part began.
    mutating func look() {
        if underWay.values.contains(where: { $0 < looks }) { width = widest }
        looks += 1
    }
}
