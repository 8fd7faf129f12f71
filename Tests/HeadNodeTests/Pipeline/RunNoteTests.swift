// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import Staging
import TestSupport
import Testing

@testable import HeadNode

/// The notes of a run are what was written, or are refused by name (F11).
@Suite struct RunNoteTests {
    private let place: FilePath
    private let state: RunState

    /// Notes with everything that can stand in them.
    init() throws {
        place = try FilePath("/galaxy/jobs/42/galaxy_s3/run.json")
        var state = RunState(
            run: try RunID("42-0123456789abcdef"),
            descriptionSHA256: SHA256Digest(of: [1]),
            place: RunPlace(try ScriptedWork.settings.get())
        )
        state.specSHA256 = SHA256Digest(of: [2])
        state.stage = PhaseReport(
            name: "stage",
            seconds: 1.5,
            bytes: 10,
            files: 2,
            requests: 3,
            retries: 0,
            cachedBytes: nil
        )
        var first = RunState.Try(number: 1, name: "galaxy-main-42-1")
        first.verdict = "its node is gone"
        first.isDisruption = true
        first.isSubmitted = true
        var second = RunState.Try(number: 2)
        second.verdict = "failed"
        second.due = .end(.failed, "no \"room\"")
        second.isSubmitted = false
        state.tries = [first, second]
        state.ending = RunEnding(
            state: .toolFailed,
            exitCode: 1,
            message: "The tool ended with 1",
            phases: [],
            refused: ["/galaxy/jobs/42/working/pipe: a FIFO"],
            cpuSeconds: 0.25,
            peakResidentBytes: 4096
        )
        self.state = state
    }

    /// Whether the bytes are taken for other notes than these; what is refused has file and remedy.
    private func isDeceived(_ bytes: [UInt8]) -> Bool {
        do throws(HeadError) {
            return try RunState(note: bytes, at: place) != state
        } catch {
            return error.code != .machine || error.place != place.logSafe || error.remedy.isEmpty
        }
    }

    @Test func `what was written is read`() throws {
        let bytes = try state.note()
        #expect(try RunState(note: bytes, at: place) == state)
        // Releases before this one read it too.
        let old = try ContractCoding.decode(RunState.self, from: bytes, name: "notes")
        #expect(old == state)
    }

    @Test func `notes of releases that wrote no checksum are read`() throws {
        #expect(try RunState(note: ContractCoding.encode(state), at: place) == state)
    }

    @Test func `no byte can change unnoticed`() throws {
        let bytes = try state.note()
        var deceived: [String] = []
        for index in bytes.indices {
            for flip: UInt8 in [1, 2, 4, 8, 16, 32, 128] {
                var damaged = bytes
                damaged[index] ^= flip
                if isDeceived(damaged) { deceived.append("\(flip) at \(index)") }
            }
        }
        #expect(deceived == [])
    }

    @Test func `a spec that has changed is not what was promised`() async throws {
        let folder = try JobFolder()
        let description = try folder.description()
        let notes = try RunFolder(jobDirectory: description.jobDirectory)
        let spec = try ChildProcess.contents(of: Self.golden)
        var state = state
        state.specSHA256 = SHA256Digest(of: spec)
        try notes.note(state)
        try notes.keep(spec: spec)
        #expect(try RunNotes(description).spec() != nil)
        // The tool of another job, say: JSON it still is.
        let text = String(decoding: spec, as: UTF8.self).replacing("/bin/bash", with: "/bin/bush")
        try notes.keep(spec: Array(text.utf8))
        let error = #expect(throws: HeadError.self) { try RunNotes(description).spec() }
        #expect(error?.place.contains("galaxy_s3/spec.json") == true, "\(error?.line ?? "")")
        #expect(error?.remedy.contains("\(state.run)") == true)
    }

    private static let golden =
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        + "/ContractTests/Golden/spec.json"

    @Test func `nothing of their end can be missing`() throws {
        let bytes = try state.note()
        let deceived = bytes.indices.filter { isDeceived(Array(bytes[..<$0])) }
        #expect(deceived == [])
    }

    @Test func `notes of a newer release are not read, and not to be moved away`() throws {
        var newer = state
        newer.version = RunState.currentVersion + 1
        let bytes = try newer.note()
        let error = #expect(throws: HeadError.self) { try RunState(note: bytes, at: place) }
        #expect(error?.code == .machine)
        #expect(error?.place == place.logSafe)
        #expect(error?.remedy.contains("a later one") == true, "\(error?.line ?? "")")
        #expect(error?.what.contains("version 2") == true, "\(error?.line ?? "")")
    }
}
