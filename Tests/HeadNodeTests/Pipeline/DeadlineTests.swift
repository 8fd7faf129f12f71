// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct DeadlineTests {
    @Test func whatIsDoneInTimeCounts() async {
        #expect(await within(60) { 1 } == 1)
        #expect(await within(0) { 1 } == nil)
    }

    @Test func whatTakesForEverIsCancelled() async {
        let value = await within(0.01) {
            try? await Task.sleep(for: .seconds(86_400))
            return Task.isCancelled ? 2 : 1
        }
        #expect(value == nil)
    }
}
