// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import Transport

@testable import Staging

@Suite struct PartMemoryTests {
    private static func write(_ byte: UInt8, to room: PartMemory.Room) {
        room.bytes.initializeMemory(as: UInt8.self, repeating: byte)
    }

    @Test func thereIsSoMuchAndNoMore() throws {
        let memory = PartMemory(bytes: 100)
        var first = memory.room(for: 60)
        #expect(first != nil && memory.free == 40)
        #expect(memory.room(for: 41) == nil)
        let second = try #require(memory.room(for: 40))
        #expect(memory.free == 0)
        first = nil
        #expect(memory.free == 60)
        _ = second
    }

    @Test func aBodyHoldsItsRoomAndIsReadAgainFromTheStart() throws {
        let memory = PartMemory(bytes: 100)
        var room = memory.room(for: 10)
        Self.write(7, to: try #require(room))
        var body = room?.body
        room = nil
        #expect(memory.free == 90)
        for pieces in [3, 10, 64] {
            let bytes = try PackTests.bytes(#require(body), pieces: pieces)
            #expect(bytes == [UInt8](repeating: 7, count: 10))
        }
        var reader = try body?.makeReader()
        body = nil
        #expect(memory.free == 90)
        let count = try withUnsafeTemporaryAllocation(byteCount: 4, alignment: 1) {
            try reader?.read(into: $0)
        }
        #expect(count == 4)
        reader = nil
        #expect(memory.free == 100)
    }

    @Test func whatOnePartHasLeftTheNextOneTakesAndNoTwoHaveTheSame() throws {
        let memory = PartMemory(bytes: 1 << 20)
        let kept = try #require(memory.room(for: 64 << 10))
        Self.write(1, to: kept)
        var next = memory.room(for: 64 << 10)
        let address = try #require(next).bytes.baseAddress
        #expect(address != kept.bytes.baseAddress)
        next = nil
        let again = try #require(memory.room(for: 64 << 10))
        #expect(again.bytes.baseAddress == address)
        Self.write(2, to: again)
        // Another size has memory of its own.
        let small = try #require(memory.room(for: 100))
        Self.write(3, to: small)
        #expect(small.bytes.count == 100)
        #expect(memory.held == 2 * (64 << 10) + 100)
        #expect(kept.bytes.allSatisfy { $0 == 1 } && again.bytes.allSatisfy { $0 == 2 })
    }

    /// Memory of another size than the next one's would be had in vain.
    @Test func noMoreIsHeldThanRoomsSay() throws {
        let memory = PartMemory(bytes: 1 << 20)
        let first = try #require(memory.room(for: 10))
        #expect(memory.held == 0)
        Self.write(1, to: first)
        var large = memory.room(for: 64 << 10)
        Self.write(2, to: try #require(large))
        large = nil
        #expect(memory.held == 10 + (64 << 10))
        var other = memory.room(for: 1_000)
        Self.write(3, to: try #require(other))
        #expect(memory.held == 10 + 1_000)
        other = nil
        _ = consume first
        #expect(memory.held == 0 && memory.free == 1 << 20)
    }

    @Test func manyAtOnceNeverShare() async {
        let memory = PartMemory(bytes: 400)
        await withTaskGroup { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        guard let room = memory.room(for: Int64(number % 2 == 0 ? 100 : 50)) else {
                            continue
                        }
                        Self.write(UInt8(number), to: room)
                        await Task.yield()
                        #expect(room.bytes.allSatisfy { $0 == UInt8(number) })
                        #expect(memory.held <= 400)
                    }
                }
            }
        }
        #expect(memory.free == 400 && memory.held == 0)
    }
}
