// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import Staging

@Suite struct ThreadsTests {
    @Test(arguments: [0, 1, 2, 7, 1000])
    func halvesGiveEveryValueInItsPlace(count: Int) {
        #expect(Threads.halves(count) { $0 * 3 } == (0..<count).map { $0 * 3 })
    }

    @Test func halvesAreTheWorkOfTwoThreads() {
        let threads = Threads.halves(10) { _ in pthread_self() }
        #expect(Set(threads).count == 2)
    }
}
