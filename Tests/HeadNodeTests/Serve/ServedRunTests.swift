// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import TestSupport
import Testing

@testable import HeadNode

@Suite struct ServedRunTests {
    private func served() throws -> ServedRun {
        ServedRun(job: try FilePath("/j/1"), run: try RunID("1-0123456789abcdef"))
    }

    private func id(_ number: Int) throws -> TryID {
        TryID(run: try RunID("1-0123456789abcdef"), number: number)
    }

    private func states(_ events: [ServeEvent]) -> [ServeState] {
        events.compactMap { event in
            if case .state(let facts, _) = event { facts.state } else { nil }
        }
    }

    /// Whatever comes, in whatever order: states only move forward, numbers have no gap, and after
    /// the end there is nothing (F12).
    @Test func statesOnlyMoveForward() throws {
        let run = try RunID("1-0123456789abcdef")
        let events: [RunEvent] = [
            .began(run, isResumed: true), .phaseBegan("stage"), .phaseBegan("collect"),
            .submitted(try id(1)), .submitted(try id(2)), .running(try id(1), "node"),
            .waiting(try id(1), "a"), .waiting(try id(1), "b"), .note("c"),
            .tryEnded(try id(1), "gone", .disruption), .phaseBegan("fetch"),
        ]
        for seed in 0..<500 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var served = try served()
            var told: [ServeEvent] = []
            for _ in 0..<30 {
                if Int.random(in: 0..<25, using: &generator) == 0 {
                    told += served.finish(RunEnding(.failed, "x"))
                } else {
                    let event = events[Int.random(in: 0..<events.count, using: &generator)]
                    told += served.apply(event)
                }
            }
            let states = states(told)
            for (earlier, later) in zip(states, states.dropFirst()) {
                #expect(earlier.canBecome(later), "seed \(seed): \(states)")
            }
            let numbers = told.compactMap { event in
                if case .state(let facts, _) = event { facts.seq } else { nil }
            }
            #expect(numbers == Array(1..<(numbers.count + 1)), "seed \(seed)")
            let end = told.firstIndex { event in
                if case .state(let facts, _) = event { facts.state.isFinal } else { false }
            }
            if let end { #expect(end == told.count - 1, "seed \(seed): something after the end") }
        }
    }

    @Test func theEndIsTheFirstOne() throws {
        var served = try served()
        _ = served.finish(RunEnding(.cancelled, "by the user"))
        let last = served.lastWord
        #expect(served.finish(RunEnding(.failed, "later")) == [])
        #expect(served.apply(.running(try id(1), "node")) == [])
        #expect(served.lastWord == last)
        #expect(served.state == .cancelled)
    }

    @Test func aReasonToWaitIsToldWhenItChanges() throws {
        var served = try served()
        #expect(served.apply(.waiting(try id(1), "a")).count == 1)
        #expect(served.apply(.waiting(try id(1), "a")) == [])
        #expect(served.facts.waiting == "a")
        #expect(served.apply(.waiting(try id(1), "b")).count == 1)
        _ = served.apply(.running(try id(1), "node"))
        #expect(served.facts.waiting == nil)
    }

    @Test func longTextsAreCutSoThatALineIsNeverTooLong() throws {
        var served = try served()
        var ending = RunEnding(.failed, String(repeating: "\u{1}é", count: 1 << 20))
        ending.refused = Array(repeating: String(repeating: "\"\\", count: 100_000), count: 100)
        for event in served.finish(ending) {
            let line = MessageCoding.encode(.event(event))
            #expect(line.count <= RequestCoding.longestLine)
            #expect(String(validating: line, as: UTF8.self) != nil)
        }
        let refusal = Refusal(code: "x", message: String(repeating: "\u{7}", count: 1 << 20))
        #expect(MessageCoding.encode(.refusal(1, refusal)).count <= RequestCoding.longestLine)
    }

    @Test(arguments: ["a", "é", "€", "😀"]) func aTextIsCutBetweenCharacters(_ letter: String) {
        for count in 32_760..<32_775 {
            let text = String(repeating: "x", count: count) + letter + letter
            let fitting = MessageCoding.fit(text)
            #expect(!fitting.unicodeScalars.contains("\u{FFFD}"))
            if text.utf8.count <= MessageCoding.longestText { #expect(fitting == text) }
        }
    }
}
