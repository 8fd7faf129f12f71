// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import TestSupport
import Testing

@testable import Staging

/// What a parser made of an archive.
struct ParsedTar: Equatable {
    var members: [TarMember] = []
    var contents: [[UInt8]] = []
    var isFinished = false

    /// Feeds `bytes` in pieces of `size`.
    init(_ bytes: [UInt8], pieces size: Int) throws(StagingError) {
        var parser = TarParser()
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            start += piece.count
            let result: Result<Void, StagingError> = piece.withUnsafeBytes { buffer in
                do throws(StagingError) {
                    return .success(try take(buffer, &parser))
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
        isFinished = parser.isFinished
    }

    private mutating func take(
        _ buffer: UnsafeRawBufferPointer,
        _ parser: inout TarParser
    ) throws(StagingError) {
        var rest = buffer
        while let event = try parser.next(&rest) {
            switch event {
            case .begin(let member):
                members.append(member)
                contents.append([])
            case .contents(let count):
                contents[contents.count - 1] += rest[..<count]
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .endOfMember, .endOfArchive: continue
            }
        }
    }
}

@Suite struct TarTests {
    static let time = FileTime(seconds: 1_700_000_000)

    static func member(
        _ name: [UInt8],
        _ bytes: [UInt8],
        mode: UInt32 = 0o644,
        modified: FileTime = time
    ) throws -> [UInt8] {
        let header = TarHeader(
            name: try RelativePath(name),
            size: Int64(bytes.count),
            mode: FileMode(mode),
            modified: modified
        )
        let padding = [UInt8](repeating: 0, count: TarFormat.padding(after: Int64(bytes.count)))
        return header.blocks() + bytes + padding
    }

    /// Made by another program from the standard. A tool pack is named by its bytes: were they others,
    /// every one would be stored anew.
    @Test func headersAreTheseToTheByte() throws {
        let odd = [UInt8](repeating: UInt8(ascii: "n"), count: 120) + [UInt8(ascii: "/"), 0xFF]
        for (name, size, mode, modified, expected) in [
            (
                Array("dir/file".utf8), 5, 0o644, Self.time,
                "2e6c04b502f4fafe5655b2e619b882f006525c69b1ea0e59036b2b5117c88b21"
            ),
            (
                odd, (1 << 33) + 7, 0o750,
                FileTime(seconds: 1_700_000_000, nanoseconds: 123_456_789),
                "4f7c1f9dd04f755765876a8d42a76843be1d9312b2c28670ba9ea1c4fd38b347"
            ),
            (
                Array("f".utf8), (1 << 33) - 1, 0o777, FileTime(seconds: (1 << 33) - 1),
                "297e4619f0fdf5aebe4c78dab74a226d78a16d10aaa432b97215afa2f10438cf"
            ),
        ] as [([UInt8], Int64, UInt32, FileTime, String)] {
            let header = TarHeader(
                name: try RelativePath(name),
                size: size,
                mode: FileMode(mode),
                modified: modified
            )
            #expect(SHA256Digest(of: header.blocks()).hex == expected)
            #expect(header.blocks().count == header.length)
        }
    }

    /// A header block with anything in it and a right sum.
    static func block(
        _ change: (inout [UInt8]) -> Void
    ) throws -> [UInt8] {
        var block = Array(try member(Array("a".utf8), [])[..<512])
        change(&block)
        block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let text = String(repeating: "0", count: 6 - sum.utf8.count) + sum
        block.replaceSubrange(148..<154, with: text.utf8)
        block[154] = 0
        return block
    }

    @Test(
        "B01 to B10: hostile names come back to the byte",
        arguments: [
            "plain", " lead", "trail ", "   ", "tab\tin", "new\nline", "cr\rlf\r\nboth", "\u{e9}",
            "e\u{301}", "a/\u{301}b", "-rf", "--flag", "@file", "~", "#", "%", "%2F", "%00",
            "+&=?;*",
            "[1-2]{a}", "\\", "'", "\"`$(id)", "\u{1}\u{1F}\u{7F}", "🙂", "\u{202E}gpj.exe",
            "zero\u{200B}width", "A", "a", "\u{FEFF}bom", "...", "..a", "a..", "path=evil\n",
            "12 path=x\n",
        ]
    )
    func hostileNames(_ name: String) throws {
        let bytes = try Self.member(Array(name.utf8), [1, 2, 3]) + TarFormat.end
        let parsed = try ParsedTar(bytes, pieces: bytes.count)
        #expect(parsed.members.map(\.name.bytes) == [Array(name.utf8)])
        #expect(parsed.contents == [[1, 2, 3]] && parsed.isFinished)
    }

    @Test("B03: names that are not UTF-8, and names of any length")
    func rawNames() throws {
        var random = SeededGenerator(seed: 10)
        var names = [[0xFF], Array("bad".utf8) + [0xFF, 0xC3]]
        for count in [99, 100, 101, 155, 156, 255] {
            names.append(Array(repeating: 0x61, count: count))
        }
        for count in 95...105 { names.append(Array(repeating: 0xE9, count: count)) }
        names.append(Array((0..<2047).flatMap { _ in Array("/d".utf8) }.dropFirst()))
        for _ in 0..<300 { names.append(random.fileName()) }
        for name in names {
            let bytes = try Self.member(name, []) + TarFormat.end
            #expect(try ParsedTar(bytes, pieces: 4_096).members.map(\.name.bytes) == [name])
        }
    }

    @Test("B13: sizes around a block, fed in pieces of every size")
    func sizesAndPieces() throws {
        var random = SeededGenerator(seed: 11)
        var bytes: [UInt8] = []
        var contents: [[UInt8]] = []
        for size in [0, 1, 511, 512, 513, 1024] {
            contents.append(random.bytes(size))
            bytes += try Self.member(Array("caf\u{e9}\(size)".utf8), contents.last ?? [])
        }
        bytes += TarFormat.end
        let whole = try ParsedTar(bytes, pieces: bytes.count)
        #expect(whole.contents == contents && whole.isFinished)
        for size in Array(1...40) + [255, 256, 257, 511, 512, 513, 1_023, 1_024, 1_025] {
            #expect(try ParsedTar(bytes, pieces: size) == whole)
        }
    }

    @Test(
        "B21: times of any age, to the nanosecond",
        arguments: [
            FileTime(seconds: 0), FileTime(seconds: 1_700_000_000, nanoseconds: 1),
            FileTime(seconds: -1), FileTime(seconds: -1, nanoseconds: 999_999_999),
            FileTime(seconds: -2_177_452_800, nanoseconds: 500_000_000),
            FileTime(seconds: 4_291_747_200), FileTime(seconds: (1 << 33) - 1),
            FileTime(seconds: 1 << 33), FileTime(seconds: 1 << 40, nanoseconds: 999_999_999),
            FileTime(seconds: -1 << 40, nanoseconds: 1), FileTime(seconds: 0, nanoseconds: 10),
            FileTime(seconds: -1, nanoseconds: 10),
        ]
    )
    func times(_ time: FileTime) throws {
        let bytes = try Self.member([0x61], [], modified: time) + TarFormat.end
        #expect(try ParsedTar(bytes, pieces: 512).members.map(\.modified) == [time])
    }

    @Test(arguments: [8 << 30, (8 << 30) - 1, 6 << 40, (1 << 53) + 1] as [Int64])
    func largeSizesInHeaders(_ size: Int64) throws {
        let header = TarHeader(
            name: try RelativePath("a"),
            size: size,
            mode: FileMode(0o644),
            modified: Self.time
        )
        #expect(try ParsedTar(header.blocks(), pieces: 512).members.map(\.size) == [size])
    }

    @Test("a header is as long as it says, whatever stands in it")
    func lengths() throws {
        var random = SeededGenerator(seed: 22)
        for _ in 0..<500 {
            let length = Int.random(in: 1...4_000, using: &random)
            let byte: UInt8 = Bool.random(using: &random) ? 0x61 : 0xE9
            let name = (0..<length).map { $0 % 200 == 199 ? FilePath.separator : byte }
            let header = TarHeader(
                name: try RelativePath(name.last == FilePath.separator ? name + [byte] : name),
                size: Int64.random(in: 0...(1 << Int64.random(in: 0...50, using: &random))),
                mode: FileMode(0o644),
                modified: FileTime(
                    seconds: Int64.random(in: -5_000...(1 << 35), using: &random),
                    nanoseconds: Bool.random(using: &random) ? 0 : 123_000_000
                )
            )
            #expect(header.length == header.blocks().count)
        }
    }

    private func refused(
        _ bytes: [UInt8],
        _ reason: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for size in [1, 512, max(1, bytes.count)] {
            let error = #expect(throws: StagingError.self, sourceLocation: sourceLocation) {
                try ParsedTar(bytes, pieces: size)
            }
            #expect(
                error?.what.contains(reason) == true,
                "\(error?.what ?? "")",
                sourceLocation: sourceLocation
            )
        }
    }

    @Test(
        "B25: links, devices, directories and unknown kinds are no members",
        arguments: "123456789ABCDEGKLSVg".utf8.map { $0 } + [0x01, 0xFF]
    )
    func kinds(_ kind: UInt8) throws {
        refused(try Self.block { $0[156] = kind }, "a member of type \([kind].logSafe)")
    }

    @Test(
        "B25: names that leave are refused, in the plain header and in the extended one",
        arguments: [
            "../x", "/etc/passwd", "a/../../x", "..", ".", "a/", "a//b", "./a", "../\u{301}x",
        ]
    )
    func leavingNames(_ name: String) throws {
        let plain = try Self.block { block in
            block.replaceSubrange(0..<100, with: [UInt8](repeating: 0, count: 100))
            block.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        }
        refused(plain, "Cannot use the path")
        refused(try Self.extended([("path", Array(name.utf8))]), "Cannot use the path")
    }

    /// An extended header and a plain member after it.
    static func extended(_ records: [(String, [UInt8])]) throws -> [UInt8] {
        var body: [UInt8] = []
        for (key, value) in records {
            let rest = Array(" \(key)=".utf8) + value + [0x0A]
            var length = rest.count + 1
            while String(length).utf8.count + rest.count != length {
                length = String(length).utf8.count + rest.count
            }
            body += Array(String(length).utf8) + rest
        }
        return try raw(extended: body)
    }

    static func raw(extended body: [UInt8]) throws -> [UInt8] {
        let size = String(body.count, radix: 8)
        let text = String(repeating: "0", count: 11 - size.utf8.count) + size
        let header = try block { block in
            block[156] = UInt8(ascii: "x")
            block.replaceSubrange(124..<135, with: text.utf8)
        }
        let padding = [UInt8](repeating: 0, count: TarFormat.padding(after: Int64(body.count)))
        return try header + body + padding + member([0x61], [])
    }

    @Test func damagedHeadersAreRefused() throws {
        var bytes = try Self.member([0x61], [])
        bytes[0] ^= 1
        refused(bytes, "a header with a wrong sum")
        refused([UInt8](repeating: 0x41, count: 512), "not octal")
        refused(
            [UInt8](repeating: 0, count: 512) + (try Self.member([0x61], [])),
            "a lone zero block"
        )
        refused(TarFormat.end + [1], "bytes after its end")
        refused(TarFormat.end + [UInt8](repeating: 0, count: 9_000) + [1], "bytes after its end")
        refused(try Self.block { $0[124] = 0x80 }, "not octal")
        refused(try Self.block { $0[345] = 0x61 }, "a split name")
        #expect(try ParsedTar(TarFormat.end + [0, 0], pieces: 3).isFinished)
    }

    @Test("B25: an extended header that is huge, empty or broken")
    func extendedHeaders() throws {
        let huge = try Self.block { block in
            block[156] = UInt8(ascii: "x")
            block.replaceSubrange(124..<135, with: "77777777777".utf8)
        }
        refused(huge, "an extended header of 8589934591 bytes")
        refused(try Self.raw(extended: []), "an extended header of 0 bytes")
        for body in [
            "x", "5", "5 ", "999 path=a\n", "9 path=ab", "0 path=a\n", "-9 path=a\n", "1 \n",
            "2 \n",
            "99999999999999999999 path=a\n", "7 path=a\n", "6 abc\n", "10 path=a\n\n",
            "\u{301}9 path=a\n",
        ] {
            refused(
                try Self.raw(extended: Array(body.utf8)),
                "an extended header that cannot be read"
            )
        }
        for (key, value) in [
            ("size", "-1"), ("size", ""), ("size", "1x"), ("size", "9999999999999999999"),
            ("mtime", ""), ("mtime", "1."), ("mtime", "1.2.3"), ("mtime", "--1"), ("mtime", "nan"),
            ("mtime", "1e5"), ("mtime", "99999999999999999999"),
        ] {
            refused(try Self.extended([(key, Array(value.utf8))]), "a bad \(key)")
        }
    }

    @Test func anArchiveThatIsCutHasNoEnd() throws {
        let bytes =
            try Self.member(Array("caf\u{e9}".utf8), Array(repeating: 7, count: 700))
            + TarFormat.end
        for length in stride(from: 0, to: bytes.count, by: 13) {
            #expect(try !ParsedTar(Array(bytes[..<length]), pieces: 64).isFinished)
        }
        #expect(try ParsedTar(bytes, pieces: 64).isFinished)
    }

    @Test func damagedArchivesAreReadOrRefusedNeverACrash() throws {
        var random = SeededGenerator(seed: 12)
        let bytes =
            try Self.member(
                Array("caf\u{e9}".utf8),
                Array(repeating: 7, count: 700),
                modified: FileTime(seconds: -5, nanoseconds: 6)
            ) + TarFormat.end
        for _ in 0..<2_000 {
            var copy = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                copy[Int.random(in: 0..<copy.count, using: &random)] = UInt8.random(
                    in: 0...255,
                    using: &random
                )
            }
            guard let parsed = try? ParsedTar(copy, pieces: 100) else { continue }
            for member in parsed.members { #expect(member.name.bytes.first != 0x2F) }
        }
    }
}
