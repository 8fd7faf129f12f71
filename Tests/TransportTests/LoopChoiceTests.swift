// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Transport

/// How requests are spread over event loops.
@Suite struct LoopChoiceTests {
    @Test func aFewStayTogetherAndManyAreSpreadEvenly() {
        var choice = LoopChoice(loops: 3)
        let chosen = (0..<18).map { _ in choice.begin() }
        #expect(chosen.prefix(12) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
        #expect(chosen.suffix(6) == [0, 1, 2, 0, 1, 2])
    }

    @Test func whoeverHasRoomIsNext() {
        var choice = LoopChoice(loops: 2)
        for _ in 0..<12 { _ = choice.begin() }
        for _ in 0..<3 { choice.end(1) }
        #expect((0..<4).map { _ in choice.begin() } == [1, 1, 1, 0])
    }

    @Test func oneLoopDoesAll() {
        var choice = LoopChoice(loops: 1)
        #expect((0..<10).allSatisfy { _ in choice.begin() == 0 })
    }
}
