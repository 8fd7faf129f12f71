// SPDX-License-Identifier: Apache-2.0

import Testing
@testable import S3Client

@Suite struct PartPaceTests {
    private static func begun(_ pace: inout PartPace) -> [Int] {
        var numbers: [Int] = []
        while let number = pace.begin() { numbers.append(number) }
        return numbers
    }

    @Test func `parts are begun in order, as many at a time as may be`() {
        var pace = PartPace(1...5, TransferLimits(parallel: 2))
        #expect(Self.begun(&pace) == [1, 2])
        pace.end(2)
        #expect(Self.begun(&pace) == [3])
        for number in [1, 3] { pace.end(number) }
        #expect(Self.begun(&pace) == [4, 5])
        #expect(!pace.isIdle)
        for number in [4, 5] { pace.end(number) }
        #expect(Self.begun(&pace) == [])
        #expect(pace.isIdle)
    }

    @Test func `a part that two looks have seen widens the transfer, and one look does not`() {
        var pace = PartPace(1...9, TransferLimits(parallel: 2, widest: 5))
        #expect(Self.begun(&pace) == [1, 2])
        pace.look()
        #expect(Self.begun(&pace) == [])
        #expect(pace.mayWiden)
        pace.look()
        #expect(!pace.mayWiden)
        #expect(Self.begun(&pace) == [3, 4, 5])
        pace.end(1)
        #expect(Self.begun(&pace) == [6])
    }

    @Test func `quick parts stay few, however often is looked`() {
        var pace = PartPace(1...9, TransferLimits(parallel: 2, widest: 5))
        _ = Self.begun(&pace)
        for first in [1, 3, 5] {
            pace.look()
            for number in [first, first + 1] { pace.end(number) }
            #expect(Self.begun(&pace) == [first + 2, first + 3])
        }
        pace.look()
        pace.end(7)
        #expect(Self.begun(&pace) == [9])
        #expect(!pace.mayWiden, "nothing waits any more")
    }

    @Test func `what may not widen is not looked at`() {
        let pace = PartPace(1...9, TransferLimits(parallel: 4))
        #expect(!pace.mayWiden)
    }
}
