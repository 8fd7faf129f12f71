// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Testing

@testable import HeadNode

/// What a submission means for the notes in a job directory.
@Suite struct RunOpeningTests {
    private static let same = SHA256Digest(of: Array("description".utf8))
    private static let other = SHA256Digest(of: Array("another".utf8))

    private enum Kind: Equatable {
        case takeUp
        case begin
        case supersede
        case refuse
        case wait
    }

    private struct Notes {
        var tries = 0
        var hasEnded = false
        var isHere = true
    }

    private func run(_ letter: String) throws -> RunID {
        try RunID("1-" + String(repeating: letter, count: 16))
    }

    private func open(
        _ notes: Notes?,
        wanted: String? = nil,
        description: SHA256Digest = same
    ) throws -> Kind {
        let settings = try ScriptedWork.settings.get()
        let here = RunPlace(settings)
        var elsewhere = settings
        elsewhere.storage.bucket = "elsewhere"
        let noted = try notes.map { notes in
            var state = RunState(
                run: try run("a"),
                descriptionSHA256: Self.same,
                place: notes.isHere ? here : RunPlace(elsewhere)
            )
            state.tries = (0..<notes.tries).map { RunState.Try(number: $0 + 1) }
            state.ending = notes.hasEnded ? RunEnding(.failed, "x") : nil
            return state
        }
        do throws(HeadError) {
            let opening = try RunOpening(
                noted: noted,
                wanted: wanted.map { try? run($0) } ?? nil,
                descriptionSHA256: description,
                place: here
            )
            switch opening {
            case .takeUp(let state):
                #expect(state == noted)
                return .takeUp
            case .begin: return .begin
            case .supersede: return .supersede
            }
        } catch {
            // Only where a run lives can be mended while it goes on.
            #expect(error.isRetryable == (error.code == .otherPlace))
            return error.code == .otherPlace ? .wait : .refuse
        }
    }

    @Test func theSameRunIsTakenUpWhereverItIs() throws {
        for notes in [Notes(), Notes(tries: 2), Notes(hasEnded: true)] {
            #expect(try open(notes) == .takeUp)
            #expect(try open(notes, wanted: "a") == .takeUp)
        }
        #expect(try open(nil) == .begin)
        #expect(try open(nil, wanted: "a") == .begin)
    }

    @Test func anotherRunBeginsAnewAndEndsWhatGoesOn() throws {
        #expect(try open(Notes(), wanted: "b") == .begin)
        #expect(try open(Notes(tries: 1), wanted: "b") == .supersede)
        #expect(try open(Notes(tries: 1, hasEnded: true), wanted: "b") == .begin)
        #expect(try open(Notes(tries: 1), wanted: "b", description: Self.other) == .supersede)
    }

    @Test func anotherDescriptionIsNeverTheSameRun() throws {
        #expect(try open(Notes(), wanted: "a", description: Self.other) == .refuse)
        #expect(try open(Notes(hasEnded: true), wanted: "a", description: Self.other) == .refuse)
        #expect(try open(Notes(tries: 1), description: Self.other) == .refuse)
        #expect(try open(Notes(), description: Self.other) == .begin)
        #expect(try open(Notes(tries: 1, hasEnded: true), description: Self.other) == .begin)
    }

    @Test func aRunStaysWhereItBegan() throws {
        #expect(try open(Notes(tries: 1, isHere: false)) == .wait)
        #expect(try open(Notes(tries: 1, isHere: false), wanted: "a") == .wait)
        #expect(try open(Notes(isHere: false)) == .begin)
        #expect(try open(Notes(tries: 1, hasEnded: true, isHere: false)) == .takeUp)
    }
}
