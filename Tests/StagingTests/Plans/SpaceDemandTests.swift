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

    @Test func whatHasComeIsCountedByTheDiskAlone() throws {
        let tree = try TemporaryTree()
        let place = try tree.file("data/1", [UInt8](repeating: 1, count: 256 << 10))
        var demand = SpaceDemand()
        demand.add([1 << 20, 8_192], at: try tree.at("data"), on: 7)
        let promise = RoomPromise(demand, devices: [try tree.at("data"): 7])
        #expect(promise.remaining(on: 7) == 1 << 20 + 8_192)
        #expect(promise.remaining(on: 8) == 0)
        promise.begin(place, try SurveyedFile(trusted: place).open())
        #expect(promise.remaining(on: 7) == 768 << 10 + 8_192)
        promise.complete(place, size: 1 << 20)
        #expect(promise.remaining(on: 7) == 8_192)
        promise.complete(try tree.at("data/2"), size: 5_000)
        #expect(promise.remaining(on: 7) == 0)
    }

    @Test func whatIsDamagedAndComesOnceMoreIsCountedOnceMore() throws {
        let tree = try TemporaryTree()
        let place = try tree.at("data/1")
        var demand = SpaceDemand()
        demand.add([8_192, 4_096], at: try tree.at("data"), on: 7)
        let promise = RoomPromise(demand, devices: [try tree.at("data"): 7])
        for _ in 0..<2 {
            promise.complete(place, size: 8_192)
            #expect(promise.remaining(on: 7) == 4_096)
            promise.discard(place)
            #expect(promise.remaining(on: 7) == 12_288)
        }
        promise.complete(place, size: 8_192)
        promise.complete(place, size: 8_192)
        #expect(promise.remaining(on: 7) == 4_096)
    }

    @Test func noReportIsTooLargeToBeCounted() throws {
        var demand = SpaceDemand()
        demand.add([1 << 60], at: try FilePath("/d"), on: 1)
        #expect(demand.shares.values.map(\.bytes) == [1 << 60])
    }
}
