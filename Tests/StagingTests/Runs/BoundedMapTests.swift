// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import Staging

@Suite struct BoundedMapTests {
    private final class Gauge: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func enter() {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
        }

        func leave() { state.withLock { $0.now -= 1 } }
    }

    @Test(arguments: [(0, 4), (1, 4), (50, 1), (50, 7), (50, 0)])
    func keepsOrderAndLimit(_ count: Int, _ limit: Int) async throws {
        let gauge = Gauge()
        let doubled = try await boundedMap(Array(0..<count), limit: limit) {
            (item) async throws(StagingError) -> Int in
            gauge.enter()
            for _ in 0..<(item % 5) { await Task.yield() }
            gauge.leave()
            return item * 2
        }
        #expect(doubled == (0..<count).map { $0 * 2 })
        #expect(gauge.most <= max(1, limit))
    }

    @Test func theFirstFailureIsThrownAndNothingMoreIsBegun() async {
        let begun = Counter()
        let error = await #expect(throws: StagingError.self) {
            _ = try await boundedMap(Array(0..<100), limit: 2) {
                (item) async throws(StagingError) -> Int in
                _ = begun.next()
                if item == 3 { throw StagingError(.io, what: "third") }
                return item
            }
        }
        #expect(error?.what == "third")
        #expect(begun.value < 100)
    }
}
