// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import HeadNode

@Suite struct TurnstileTests {
    /// Counts who is inside.
    private final class Room: Sendable {
        private let state = Mutex((inside: 0, most: 0, order: [Int]()))

        func enter(_ who: Int) {
            state.withLock { state in
                state.inside += 1
                state.most = max(state.most, state.inside)
                state.order.append(who)
            }
        }

        func leave() { state.withLock { $0.inside -= 1 } }

        var most: Int { state.withLock { $0.most } }
        var inside: Int { state.withLock { $0.inside } }
        var order: [Int] { state.withLock { $0.order } }
    }

    @Test func onlySoManyAreInside() async throws {
        let turnstile = Turnstile(limit: 3)
        let room = Room()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for who in 0..<500 {
                group.addTask {
                    try await turnstile.pass(who % 5 == 0 ? .urgent : .ordinary) {
                        () async throws(HeadError) in
                        room.enter(who)
                        await Task.yield()
                        room.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(room.most <= 3)
        #expect(Set(room.order).count == 500)
        // All turns are free again.
        try await turnstile.pass { () async throws(HeadError) in }
    }

    @Test func whoIsInAHurryGoesFirstAndTheOthersInOrder() async throws {
        let turnstile = Turnstile(limit: 1)
        let room = Room()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await turnstile.pass { () async throws(HeadError) in
                    room.enter(0)
                    for await _ in gate { break }
                }
            }
            try await Patience.long.wait("the first") { room.order == [0] }
            for (index, urgency) in [Turnstile.Urgency.ordinary, .ordinary, .urgent, .urgent]
                .enumerated()
            {
                group.addTask {
                    try await turnstile.pass(urgency) { () async throws(HeadError) in
                        room.enter(index + 1)
                    }
                }
                try await Patience.long.wait("the line") { turnstile.waiting == index + 1 }
            }
            open.yield()
            try await group.waitForAll()
        }
        #expect(room.order == [0, 3, 4, 1, 2])
    }

    @Test func whoLeavesTheLineTakesNoTurn() async throws {
        let turnstile = Turnstile(limit: 1)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let interrupted = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await turnstile.pass { () async throws(HeadError) in
                    for await _ in gate { break }
                }
            }
            try await Patience.long.wait("the first") { turnstile.isFull }
            await withTaskGroup(of: Void.self) { waiters in
                for _ in 0..<50 {
                    waiters.addTask {
                        do throws(HeadError) {
                            try await turnstile.pass { () async throws(HeadError) in
                                _ = Issue.record("nobody was to get through")
                            }
                        } catch {
                            if error.code == .interrupted { _ = interrupted.next() }
                        }
                    }
                }
                while turnstile.waiting < 50 { await Task.yield() }
                waiters.cancelAll()
            }
            open.yield()
            try await group.waitForAll()
        }
        #expect(interrupted.value == 50)
        #expect(turnstile.waiting == 0)
        #expect(!turnstile.isFull)
    }

    @Test func aTurnIsGivenBackWhenTheWorkFails() async throws {
        let turnstile = Turnstile(limit: 1)
        for _ in 0..<3 {
            await #expect(throws: HeadError.self) {
                try await turnstile.pass { () async throws(HeadError) in
                    throw HeadError(.failed, what: "it failed")
                }
            }
        }
        #expect(!turnstile.isFull)
    }

    @Test func aSwitchStopsWhatIsGuardedNowAndLater() async throws {
        let stop = StopSwitch()
        #expect(try await stop.guarding { () async throws(HeadError) in 7 } == 7)
        let began = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: HeadError.self) {
                    try await stop.guarding { () async throws(HeadError) in
                        _ = began.next()
                        try? await Task.sleep(for: .seconds(3600))
                        throw HeadError(.interrupted, what: "stopped")
                    }
                }
            }
            try await Patience.long.wait("the work") { began.value > 0 }
            stop.stop()
            try await group.waitForAll()
        }
        await #expect(throws: HeadError.self) {
            try await stop.guarding { () async throws(HeadError) in
                try? await Task.sleep(for: .seconds(3600))
                throw HeadError(.interrupted, what: "stopped")
            }
        }
    }
}
