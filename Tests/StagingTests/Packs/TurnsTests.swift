// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import Staging

@Suite struct TurnsTests {
    /// Who has come, in that order.
    private final class Log: Sendable {
        private let list = Mutex<[Int64]>([])

        func add(_ turn: Int64) { list.withLock { $0.append(turn) } }

        var all: [Int64] { list.withLock { $0 } }
    }

    @Test func whoeverAsksFirstTheyGoInOrder() async {
        let turns = Turns()
        let log = Log()
        await withTaskGroup { group in
            for turn in (0..<20).reversed() {
                group.addTask {
                    _ = await turns.turn(of: Int64(turn))
                    log.add(Int64(turn))
                    turns.pass(to: Int64(turn) + 1)
                    turns.leave()
                }
            }
        }
        #expect(log.all == (0..<20).map { Int64($0) })
    }

    @Test(arguments: [1, 2, 3])
    func soManyGoAtATimeAndNoMore(atOnce: Int) async {
        let turns = Turns(atOnce: atOnce)
        let inside = Crowd()
        await withTaskGroup { group in
            for turn in 0..<40 {
                group.addTask {
                    _ = await turns.turn(of: Int64(turn))
                    turns.pass(to: Int64(turn) + 1)
                    inside.enter()
                    for _ in 0..<20 { await Task.yield() }
                    inside.leave()
                    turns.leave()
                }
            }
        }
        #expect(inside.most == atOnce)
    }

    @Test func thoseWhoWaitAndThoseWhoComeLaterAreSentAway() async throws {
        let turns = Turns()
        guard case .now = await turns.turn(of: 0) else { throw Unexpected() }
        async let waiting = turns.turn(of: 1)
        turns.end(StagingError(.changed, what: "first"))
        turns.end(StagingError(.changed, what: "second"))
        for answer in [await waiting, await turns.turn(of: 2), await turns.turn(of: 0)] {
            guard case .never(let failure) = answer else { throw Unexpected() }
            #expect(failure.what == "first")
        }
    }

    @Test func whatIsOverIsPast() async throws {
        let turns = Turns()
        _ = await turns.turn(of: 0)
        turns.pass(to: 5)
        turns.leave()
        guard case .past = await turns.turn(of: 0), case .now = await turns.turn(of: 5) else {
            throw Unexpected()
        }
    }

    private struct Unexpected: Error {}
}
