// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import Staging

@Suite struct SpaceDemandTests {
    @Test func eachFileSystemIsAskedForItsOwn() throws {
        let (jobs, data, more) = (
            try FilePath("/galaxy/jobs/1"), try FilePath("/data/0"), try FilePath("/data/1")
        )
        var demand = SpaceDemand()
        demand.add([4_096, 8_192], at: jobs, on: 1)
        demand.add([1 << 40], at: data, on: 2)
        demand.add([1 << 40], at: more, on: 2)
        #expect(
            demand.shares == [
                1: SpaceDemand.Share(place: jobs, bytes: 12_288),
                2: SpaceDemand.Share(place: data, bytes: 2 << 40),
            ]
        )
    }

    @Test func aSmallFileTakesABlockAndAnEmptyOneNothing() throws {
        var demand = SpaceDemand()
        demand.add([0, 1, 4_095, 4_097], at: try FilePath("/d"), on: 1)
        #expect(demand.shares.values.map(\.bytes) == [4 * 4_096])
    }

    @Test func noReportIsTooLargeToBeCounted() throws {
        var demand = SpaceDemand()
        demand.add([1 << 60], at: try FilePath("/d"), on: 1)
        #expect(demand.shares.values.map(\.bytes) == [1 << 60])
    }
}
