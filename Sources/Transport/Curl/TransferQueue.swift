// SPDX-License-Identifier: Apache-2.0

/// Who may go next, within a limit for all and one for each origin.
///
/// libcurl's own queue wakes one waiting transfer for each that ends, even one that has to go on
/// waiting for another server; then nobody is woken for the free place.
struct TransferQueue<Item> {
    private struct Waiting {
        let ticket: UInt64
        let origin: Origin
        let item: Item
    }

    private let limit: Int
    private let limitPerOrigin: Int
    private var waiting: [Waiting] = []
    private var active: [Origin: Int] = [:]
    private var activeCount = 0

    init(limit: Int, limitPerOrigin: Int) {
        self.limit = limit
        self.limitPerOrigin = limitPerOrigin
    }

    /// Whether nobody waits or is active.
    var isEmpty: Bool { waiting.isEmpty && activeCount == 0 }

    mutating func add(_ item: Item, ticket: UInt64, origin: Origin) {
        waiting.append(Waiting(ticket: ticket, origin: origin, item: item))
    }

    /// The first who may go now; it counts as active until `finish`.
    mutating func next() -> Item? {
        guard activeCount < limit else { return nil }
        guard
            let index = waiting.firstIndex(where: { active[$0.origin, default: 0] < limitPerOrigin }
            )
        else { return nil }
        let next = waiting.remove(at: index)
        active[next.origin, default: 0] += 1
        activeCount += 1
        return next.item
    }

    /// One active transfer to `origin` has ended.
    mutating func finish(_ origin: Origin) {
        guard let count = active[origin] else { return }
        active[origin] = count == 1 ? nil : count - 1
        activeCount -= 1
    }

    /// Takes out the one called `ticket`, if it still waits.
    mutating func remove(_ ticket: UInt64) -> Item? {
        waiting.firstIndex { $0.ticket == ticket }.map { waiting.remove(at: $0).item }
    }
}
