// SPDX-License-Identifier: Apache-2.0

import S3Client
import TestSupport
import Testing

@testable import Staging

@Suite struct KeyedLockTests {
    @Test func `one at a time, in the order in which they came, and each is told`() async throws {
        let lock = KeyedLock()
        let (gate, crowd, log) = (TestGate(), Crowd(), TestLog())
        try await withThrowingTaskGroup { group in
            for number in 1...4 {
                group.addTask {
                    try await lock.hold("a", since: lock.mark) { mayBeDone in
                        crowd.enter()
                        defer { crowd.leave() }
                        log.add("\(number) \(mayBeDone)")
                        await gate.wait()
                    }
                }
                await until { log.all.count + lock.waiting(for: "a") == number }
            }
            gate.open()
            try await group.waitForAll()
        }
        #expect(log.all == ["1 false", "2 true", "3 true", "4 true"])
        #expect(crowd.most == 1)
        #expect(try await !lock.hold("a", since: lock.mark) { $0 }, "nobody has it any more")
    }

    @Test func `another key waits for nobody`() async throws {
        let lock = KeyedLock()
        let (gate, crowd) = (TestGate(), Crowd())
        async let first: Void = lock.hold("a", since: lock.mark) { _ in
            crowd.enter()
            await gate.wait()
        }
        await until { crowd.most == 1 }
        #expect(try await !lock.hold("b", since: lock.mark) { $0 })
        gate.open()
        try await first
    }

    @Test func `who fails lets the next one in`() async throws {
        let lock = KeyedLock()
        let (gate, crowd) = (TestGate(), Crowd())
        let failing = Task {
            try await lock.hold("a", since: lock.mark) { (_) async throws(StagingError) in
                crowd.enter()
                await gate.wait()
                throw StagingError(.io, what: "the disk is gone")
            }
        }
        await until { crowd.most == 1 }
        let next = Task { try await lock.hold("a", since: lock.mark) { $0 } }
        await until { lock.waiting(for: "a") == 1 }
        gate.open()
        let error = await #expect(throws: StagingError.self) { try await failing.value }
        #expect(error?.code == .io)
        #expect(try await next.value)
    }

    @Test func `who looked before another was done looks again`() async throws {
        let lock = KeyedLock()
        let mark = lock.mark
        #expect(try await !lock.hold("a", since: mark) { $0 })
        #expect(try await lock.hold("a", since: mark) { $0 }, "it has not waited")
        #expect(try await !lock.hold("a", since: lock.mark) { $0 })
    }

    /// Each would try for minutes, one after the other.
    @Test func `what the store keeps doing to one is told to all who wait`() async throws {
        let lock = KeyedLock()
        let (gate, begun) = (TestGate(), Crowd())
        let line = (1...3)
            .map { _ in
                Task {
                    try await lock.hold("a", since: lock.mark) { (_) async throws(StagingError) in
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
        #expect(try await !lock.hold("a", since: lock.mark) { $0 }, "nobody has it any more")
    }

    @Test func `who is cancelled leaves the line at once, and does nothing`() async throws {
        let lock = KeyedLock()
        let (gate, begun) = (TestGate(), Crowd())
        let first = Task {
            try await lock.hold("a", since: lock.mark) { _ in
                begun.enter()
                await gate.wait()
            }
        }
        await until { begun.most == 1 }
        let line = (1...3)
            .map { _ in
                Task { try await lock.hold("a", since: lock.mark) { _ in begun.enter() } }
            }
        await until { lock.waiting(for: "a") == 3 }
        line[1].cancel()
        let error = await #expect(throws: StagingError.self) { try await line[1].value }
        #expect(error?.code == .cancelled)
        #expect(lock.waiting(for: "a") == 2)
        gate.open()
        try await first.value
        try await line[0].value
        try await line[2].value
        #expect(begun.most == 3)
        let late = Task {
            await until { Task.isCancelled }
            try await lock.hold("a", since: lock.mark) { _ in begun.enter() }
        }
        late.cancel()
        await #expect(throws: StagingError.self) { try await late.value }
        #expect(begun.most == 3)
    }
}
