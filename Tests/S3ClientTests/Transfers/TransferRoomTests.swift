// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
@testable import S3Client

@Suite struct TransferRoomTests {
    @Test func `of one transfer whoever asks first goes first`() async throws {
        let room = TransferRoom(places: 2)
        let member = room.join()
        let (gate, log) = (TestGate(), TestLog())
        try await withThrowingTaskGroup { group in
            for number in 1...6 {
                group.addTask {
                    try await room.place(of: member) {
                        log.add("in \(number)")
                        await gate.wait()
                        log.add("out")
                    }
                }
                // In line, or in.
                await until { log.all.count + room.waiting == number }
            }
            #expect(log.all == ["in 1", "in 2"])
            gate.open()
            try await group.waitForAll()
        }
        #expect(log.all.filter { $0 != "out" } == (1...6).map { "in \($0)" })
        var inside = 0
        for line in log.all {
            inside += line == "out" ? -1 : 1
            #expect(inside <= 2, "\(log.all)")
        }
        #expect(room.waiting == 0)
    }

    @Test func `the next place is for whoever has the fewest`() async throws {
        let room = TransferRoom(places: 2)
        let (greedy, modest) = (room.join(), room.join())
        let log = TestLog()
        let gates = (1...6).map { _ in TestGate() }
        try await withThrowingTaskGroup { group in
            for number in 1...6 {
                group.addTask {
                    try await room.place(of: number == 6 ? modest : greedy) {
                        log.add("\(number)")
                        await gates[number - 1].wait()
                    }
                }
                await until { log.all.count + room.waiting == number }
            }
            #expect(log.all == ["1", "2"])
            gates[0].open()
            await until { log.all.count == 3 }
            #expect(log.all.last == "6", "three came before it, and their transfer has a place")
            for gate in gates { gate.open() }
            try await group.waitForAll()
        }
        #expect(log.all.count == 6)
    }

    @Test func `a failure leaves its place to the next`() async throws {
        let room = TransferRoom(places: 1)
        let member = room.join()
        for _ in 1...3 {
            let error = await #expect(throws: S3Error.self) {
                try await room.place(of: member) { () throws(S3Error) in
                    throw S3Error(.source, what: "it cannot be read")
                }
            }
            #expect(error?.code == .source)
        }
        #expect(try await room.place(of: member) { 7 } == 7)
    }

    @Test func `who is cancelled leaves the line, and nothing is begun`() async throws {
        let room = TransferRoom(places: 1)
        let member = room.join()
        let (gate, log) = (TestGate(), TestLog())
        let first = Task { try await room.place(of: member) { await gate.wait() } }
        await until { room.isFull }
        let second = Task { try await room.place(of: member) { log.add("begun") } }
        await until { room.waiting == 1 }
        second.cancel()
        let error = await #expect(throws: S3Error.self) { try await second.value }
        #expect(error?.code == .cancelled)
        #expect(room.waiting == 0)
        let third = Task {
            await gate.wait()
            try await room.place(of: member) { log.add("begun") }
        }
        third.cancel()
        gate.open()
        try await first.value
        await #expect(throws: S3Error.self) { try await third.value }
        #expect(log.all == [])
        #expect(try await room.place(of: member) { 7 } == 7)
    }

    @Test func `what one transfer leaves empty another has`() async throws {
        var limits = TransferLimits(parallel: 4)
        limits.room = TransferRoom(places: 3)
        let (short, long) = (Crowd(), Crowd())
        let (all, shared) = (Crowd(), limits)
        @Sendable func run(_ count: Int, _ own: Crowd) async throws -> [Int] {
            try await inParallel(1...count, shared) { number in
                all.enter()
                own.enter()
                for _ in 0..<20 { await Task.yield() }
                own.leave()
                all.leave()
                return number
            }
        }
        async let few = run(3, short)
        async let many = run(40, long)
        #expect(try await few == Array(1...3))
        #expect(try await many == Array(1...40))
        #expect(all.most == 3)
        #expect(long.most == 3, "once the other has none left")
    }
}
