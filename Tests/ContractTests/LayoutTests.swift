// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import TestSupport
import Testing

@Suite struct LayoutTests {
    /// Every kind of key, by what it is.
    private func keys(
        _ layout: JobLayout,
        _ run: RunID,
        _ attempt: AttemptID,
        _ path: FilePath,
        _ number: Int
    ) -> [ObjectKey] {
        [
            layout.stage(path, nonce: "0123456789abcdef0123456789abcdef"),
            layout.staged(path, version: Sample.sha.hex),
            layout.link(path, to: layout.data(run, attempt, number)),
            layout.pack(Sample.sha),
            layout.spec(run),
            layout.runPack(run, nonce: "0123456789abcdef0123456789abcdef"),
            layout.result(run),
            layout.started(run, attempt),
            layout.report(run, attempt),
            layout.pushedPack(run, attempt, number),
            layout.data(run, attempt, number),
        ]
    }

    @Test func keysAreTheGoldenOnes() throws {
        let path = try FilePath(Array("/galaxy/data/".utf8) + Sample.odd)
        var lines: [UInt8] = []
        for prefix in ["", "galaxy/test"] {
            let layout = JobLayout(
                prefix: try KeyPrefix(prefix),
                instance: try InstanceName("main")
            )
            for key in try keys(layout, Sample.run(), Sample.attempt(), path, 3) {
                lines += key.bytes + [0x0A]
            }
            lines += Array(layout.runPrefix(try Sample.run()).utf8) + [0x0A]
        }
        try Golden.check(lines, "keys.txt")
    }

    @Test(arguments: ["", "galaxy/test"])
    func theResultIsBesidesTheSpec(prefix: String) throws {
        let layout = JobLayout(prefix: try KeyPrefix(prefix), instance: try InstanceName("main"))
        let run = try Sample.run()
        #expect(try JobLayout.result(besides: layout.spec(run)) == layout.result(run))
        #expect(try JobLayout.result(besides: ObjectKey("spec")) == ObjectKey("result.json"))
    }

    @Test("B11: the longest parts make keys far below 1,024 bytes")
    func lengths() throws {
        let layout = JobLayout(
            prefix: try KeyPrefix(String(repeating: "p", count: 256)),
            instance: try InstanceName(String(repeating: "i", count: 32))
        )
        let run = try RunID(String(repeating: "r", count: 32) + "-0123456789abcdef")
        let attempt = try AttemptID(String(repeating: "a", count: 64) + "-0123abcd")
        let path = try FilePath((0..<2047).flatMap { _ in Array("/x".utf8) })
        for key in keys(layout, run, attempt, path, .max) { #expect(key.bytes.count < 640) }
    }

    @Test("B12: two paths never share a key")
    func pathsApart() throws {
        let layout = try Sample.layout()
        let target = layout.spec(try Sample.run())
        var random = SeededGenerator(seed: 7)
        var seen: [ObjectKey: FilePath] = [:]
        for _ in 0..<3_000 {
            let path = try FilePath([0x2F] + random.fileName())
            let other = seen.updateValue(path, forKey: layout.link(path, to: target))
            #expect(other == nil || other == path)
        }
        let pair = try [FilePath("/\u{e9}"), FilePath("/e\u{301}")]
        #expect(layout.link(pair[0], to: target) != layout.link(pair[1], to: target))
    }

    @Test("B27: no run's keys begin with another's")
    func runsApart() throws {
        let layout = try Sample.layout()
        let run = try RunID("1-0123456789abcdef")
        let other = try RunID("11-0123456789abcdef")
        #expect(!layout.spec(other).hasPrefix(layout.runPrefix(run).utf8))
        #expect(layout.spec(run).hasPrefix(layout.runPrefix(run).utf8))
    }
}

@Suite struct WorkerFrameTests {
    @Test func framesAreTheGoldenOnes() throws {
        let frames: [WorkerFrame] = [
            .output(stream: .stdout, offset: 0, bytes: Array("hello\n".utf8)),
            .output(stream: .stderr, offset: 1 << 40, bytes: [0xFF, 0x00]),
            .progress(phase: "fetch", bytes: 1, totalBytes: 2, files: 3, totalFiles: 4),
            .note("a \"note\" \n of é"),
        ]
        var lines: [UInt8] = []
        for frame in frames {
            let line = try frame.line()
            #expect(line.last == 0x0A && line.filter { $0 == 0x0A }.count == 1)
            #expect(WorkerFrame(line: line.dropLast()) == frame)
            lines += line
        }
        try Golden.check(lines, "frames.ndjson")
    }

    /// Whoever can write to a pod's log can write a frame.
    @Test(arguments: [
        #"{"gs3":"progress","phase":"fetch","bytes":-1}"#,
        #"{"gs3":"progress","phase":"fetch","bytes":-9223372036854775808,"totalBytes":1}"#,
        #"{"gs3":"progress","phase":"fetch","totalBytes":9223372036854775807}"#,
        #"{"gs3":"progress","phase":"fetch","files":-1}"#,
        #"{"gs3":"progress","phase":"fe\u001b[2Jtch"}"#,
        #"{"gs3":"progress","phase":"0123456789abcdef0"}"#,
        #"{"gs3":"stdout","offset":-1,"base64":"YQ=="}"#,
        #"{"gs3":"stdout","offset":9223372036854775807,"base64":"YQ=="}"#,
    ])
    func whatNoWorkerWritesIsNoFrame(_ line: String) {
        #expect(WorkerFrame(line: Array(line.utf8)) == nil)
    }

    @Test func everyLineStaysBelowWhereContainerRuntimesCut() throws {
        let chunk = [UInt8](repeating: 0xFF, count: WorkerFrame.largestChunk)
        let output = WorkerFrame.output(stream: .stderr, offset: .max, bytes: chunk)
        #expect(try output.line().count < 16 << 10)
        for text in ["\u{1}", "\"", "\u{10FFFF}", "\u{2028}", "é"] {
            let note = WorkerFrame.note(String(repeating: text, count: 100_000))
            let line = try note.line()
            #expect(line.count < 16 << 10)
            #expect(WorkerFrame(line: line.dropLast()) != nil)
        }
    }

    @Test(
        "B24: what a tool writes on the stream is no frame, or a harmless one",
        arguments: [
            "", "{", "{}", "text", "null", #"{"gs3":"stdout"}"#,
            #"{"gs3":"stdout","offset":-1,"base64":""}"#,
            #"{"gs3":"stdout","offset":0,"base64":"Zg="}"#, #"{"gs3":"root","offset":0}"#,
            #"{"gs3":7}"#, #" {"gs3":"note"}"#, #"[{"gs3":"note"}]"#,
            #"{"gs3":"stdout","offset":1e99,"base64":""}"#,
            #"{"gs3":"stdout","offset":9223372036854775808,"base64":""}"#,
        ]
    )
    func noFrames(_ text: String) {
        #expect(WorkerFrame(line: Array(text.utf8)) == nil)
    }

    @Test func bytesThatAreNoFrameNeverCrash() throws {
        var random = SeededGenerator(seed: 8)
        let good = try WorkerFrame.output(stream: .stdout, offset: 5, bytes: [1, 2, 3]).line()
        for _ in 0..<2_000 {
            var line = good
            line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(
                in: 0...255,
                using: &random
            )
            if case .output(_, let offset, _) = WorkerFrame(line: line) { #expect(offset >= 0) }
        }
    }
}
