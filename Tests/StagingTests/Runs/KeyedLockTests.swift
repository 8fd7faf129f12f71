// SPDX-License-Identifier: Apache-2.0

import S3Client
import TestSupport
import Testing

@testable import Staging

@Suite struct KeyedLockTests {
    private let lock = KeyedLock()

    /// Makes what `key` names, if `find` says nothing else.
    private func make(
        _ key: String = "a",
        find: () async throws(StagingError) -> Int? = { () async throws(StagingError) in nil },
        _ work: () async throws(StagingError) -> Int
    ) async throws(StagingError) -> Int {
        try await lock.once(key, find: find, make: work)
    }

    @Test func `one makes it at a time, in the order in which they came`() async throws {
        let (gate, crowd, log) = (TestGate(), Crowd(), TestLog())
        try await withThrowingTaskGroup { group in
            for number in 1...4 {
                group.addTask {
                    _ = try await make {
                        crowd.enter()
                        defer { crowd.leave() }
                        log.add("\(number)")
                        await gate.wait()
                        return number
                    }
                }
                await until { log.all.count + lock.waiting(for: "a") == number }
            }
            gate.open()
            try await group.waitForAll()
        }
        #expect(log.all == ["1", "2", "3", "4"])
        #expect(crowd.most == 1)
        #expect(lock.count == 0)
    }

    @Test func `who waits finds it, and does not make it`() async throws {
        let (gate, made) = (TestGate(), TestLog())
        let line = (1...3)
            .map { number in
                Task {
                    try await make {
                        () async throws(StagingError) in
                        made.all.isEmpty ? nil : 7
                    } _: {
                        await gate.wait()
                        made.add("\(number)")
                        return 7
                    }
                }
            }
        await until { lock.waiting(for: "a") == 2 }
        gate.open()
        for task in line { #expect(try await task.value == 7) }
        #expect(made.all.count == 1)
        #expect(lock.count == 0)
    }

    @Test func `who looked before another had made it looks again`() async throws {
        let (gate, looks) = (TestGate(), Counter())
        let late = Task {
            try await make {
                () async throws(StagingError) in
                guard looks.next() == 1 else { return 5 }
                await gate.wait()
                return nil
            } _: {
                0
            }
        }
        await until { looks.value == 1 }
        #expect(try await make { 5 } == 5)
        gate.open()
        #expect(try await late.value == 5, "it had to wait for nobody")
        #expect(looks.value == 2)
    }

    @Test func `what is there needs no turn, and another key waits for nobody`() async throws {
        let (gate, crowd) = (TestGate(), Crowd())
        async let first = make {
            crowd.enter()
            await gate.wait()
            return 1
        }
        await until { crowd.most == 1 }
        #expect(
            try await make { () async throws(StagingError) in
                2
            } _: {
                0
            } == 2
        )
        #expect(try await make("b") { 3 } == 3)
        gate.open()
        #expect(try await first == 1)
        #expect(lock.count == 0)
    }

    @Test func `who fails of its own lets the next one in`() async throws {
        let (gate, crowd) = (TestGate(), Crowd())
        let failing = Task {
            try await make { () async throws(StagingError) in
                crowd.enter()
                await gate.wait()
                throw StagingError(.io, what: "the disk is gone")
            }
        }
        await until { crowd.most == 1 }
        let next = Task { try await make { 1 } }
        await until { lock.waiting(for: "a") == 1 }
        gate.open()
        let error = await #expect(throws: StagingError.self) { try await failing.value }
        #expect(error?.code == .io)
        #expect(try await next.value == 1)
        #expect(lock.count == 0)
    }

    /// Each would try for minutes, one after the other.
    @Test func `what the store keeps doing to one is told to all who wait`() async throws {
        let (gate, begun) = (TestGate(), Crowd())
        let line = (1...3)
            .map { _ in
                Task {
                    try await make { () async throws(StagingError) in
                        begun.enter()
                        await gate.wait()
                        throw .store("store it", S3Error(.unreachable, what: "It is away"))
                    }
                }
            }
        await until { lock.waiting(for: "a") == 2 }
        gate.open()
        for task in line {
            let error = await #expect(throws: StagingError.self) { try await task.value }
            #expect(error?.isRetryable == true)
        }
        #expect(begun.most == 1)
        #expect(lock.count == 0)
        #expect(try await make { 1 } == 1)
    }

    @Test func `who is cancelled leaves the line at once, and does nothing`() async throws {
        let (gate, begun) = (TestGate(), Crowd())
        let first = Task {
            try await make {
                begun.enter()
                await gate.wait()
                return 1
            }
        }
        await until { begun.most == 1 }
        let line = (1...3)
            .map { number in
                Task {
                    try await make {
                        begun.enter()
                        return number
                    }
                }
            }
        await until { lock.waiting(for: "a") == 3 }
        line[1].cancel()
        let error = await #expect(throws: StagingError.self) { try await line[1].value }
        #expect(error?.code == .cancelled)
        #expect(lock.waiting(for: "a") == 2)
        let late = Task {
            await until { Task.isCancelled }
            return try await make {
                begun.enter()
                return 0
            }
        }
        late.cancel()
        await #expect(throws: StagingError.self) { try await late.value }
        gate.open()
        #expect(try await first.value == 1)
        #expect(try await line[0].value == 1)
        #expect(try await line[2].value == 3)
        #expect(begun.most == 3)
        #expect(lock.count == 0)
    }
}
