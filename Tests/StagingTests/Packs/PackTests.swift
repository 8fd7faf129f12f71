// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing
import Transport

@testable import Staging

@Suite struct PackTests {
    private let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private func surveyed() throws -> [SurveyedFile] {
        try TreeSurvey(Directory(path: tree.path)).files
    }

    /// All bytes of `body`, asked for in pieces of `size`.
    static func bytes(_ body: HTTPBody, pieces size: Int = 1_000) throws -> [UInt8] {
        let reader = try body.makeReader()
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func whole(_ source: PackSource) throws -> [UInt8] {
        try bytes(source.body(ByteRange(offset: 0, length: source.length)), pieces: 1 << 16)
    }

    private func sample() throws -> [SurveyedFile] {
        var random = SeededGenerator(seed: 20)
        for size in [0, 1, 511, 512, 513, 3_000, 0] {
            try tree.file("d\(size)/f\(random.next() % 1_000)", random.bytes(size))
        }
        try tree.file("caf\u{e9}", [1])
        try tree.file("cafe\u{301}", [2])
        return try surveyed()
    }

    @Test func samePlanWhateverTheOrder() throws {
        let files = try sample()
        let first = try Self.whole(PackSource(PackPlan(files, times: .own)))
        for _ in 0..<5 {
            let again = try PackPlan(files.shuffled() + files.prefix(2), times: .own)
            #expect(try Self.whole(PackSource(again)) == first)
        }
        let plan = try PackPlan(files, times: .own)
        #expect(plan.files.map(\.path) == files.map(\.path).sorted())
        #expect(plan.length == Int64(first.count) && plan.length % 512 == 0)
    }

    @Test func fixedTimesMakeOnePackOfTwoInstallations() async throws {
        func pack(_ time: FileTime, _ times: PackPlan.Times) async throws -> SHA256Digest {
            try tree.file("tool/run.py", [1, 2], mode: 0o755, modified: time)
            return try await PackSource(PackPlan(try surveyed(), times: times)).digests().pack
        }
        let old = FileTime(seconds: 1_500_000_000)
        let other = FileTime(seconds: 9, nanoseconds: 3)
        #expect(try await pack(old, .fixed) == pack(other, .fixed))
        #expect(try await pack(old, .own) != pack(other, .own))
    }

    @Test func indexIsRightAtEachBorder() throws {
        let plan = try PackPlan(try sample(), times: .own)
        for (index, member) in plan.members.enumerated() {
            #expect(plan.index(at: member.offset) == index)
            #expect(plan.index(at: member.contents - 1) == index)
            #expect(plan.index(at: member.end - 1) == index)
            #expect(plan.index(at: member.end) == index + 1)
        }
        #expect(plan.index(at: plan.length - 1) == plan.count)
        #expect(try PackPlan([], times: .own).index(at: 0) == 0)
    }

    @Test func anyRangeIsASliceOfTheWhole() async throws {
        let plan = try PackPlan(try sample(), times: .own)
        let source = PackSource(plan)
        let read = PackSource(plan, known: try await source.digests())
        let whole = try Self.whole(source)
        var random = SeededGenerator(seed: 21)
        var borders = plan.members.flatMap {
            [$0.offset, $0.contents, $0.contents + $0.file.size, $0.end]
        }
        borders.append(contentsOf: borders.map { $0 + 1 })
        borders = borders.filter { $0 < source.length }
        for _ in 0..<400 {
            let start = try #require(
                Bool.random(using: &random)
                    ? borders.randomElement(using: &random)
                    : Int64.random(in: 0..<source.length, using: &random)
            )
            let length = Int64.random(in: 1...(source.length - start), using: &random)
            let range = ByteRange(offset: start, length: length)
            let piece = try Self.bytes(
                source.body(range),
                pieces: Int.random(in: 1...2_000, using: &random)
            )
            #expect(piece == Array(whole[Int(start)..<Int(start + length)]))
            #expect(try source.knownChecksum(range) == nil)
            #expect(try read.knownChecksum(range) == CRC64NVME(of: piece))
        }
    }

    @Test func whatHasBeenReadIsNotReadAgainForItsChecksum() async throws {
        for number in 0..<3 { try tree.file("f\(number)", [UInt8](repeating: 7, count: 900)) }
        let plan = try PackPlan(try surveyed(), times: .own)
        let source = PackSource(plan, known: try await PackSource(plan).digests())
        let whole = CRC64NVME(of: try Self.whole(source))
        for file in plan.files { #expect(file.path.withCString { unlink($0) } == 0) }
        #expect(
            try source.knownChecksum(ByteRange(offset: 0, length: source.length)) == whole
        )
        // A file that is only partly in the range has to be read.
        let cut = ByteRange(offset: plan.members[1].contents + 1, length: 10)
        #expect(throws: StagingError.self) { try source.knownChecksum(cut) }
    }

    @Test func digestsAreOfWhatIsSent() async throws {
        let plan = try PackPlan(try sample(), times: .own)
        let source = PackSource(plan)
        let digests = try await source.digests()
        #expect(try digests.pack == SHA256Digest(of: Self.whole(source)))
        for (file, digest) in zip(plan.files, digests.files) {
            #expect(try digest == CRC64NVME(of: TemporaryTree.read(file.path)))
        }
    }

    @Test(
        "B19: a file that shrinks, grows, is replaced or touched while it is packed",
        arguments: ["shrink", "grow", "replace", "touch", "rewrite", "remove", "link", "fifo"]
    )
    func changing(_ how: String) async throws {
        let path = try tree.file("victim", [UInt8](repeating: 1, count: 5_000))
        try tree.file("other", [1])
        let source = PackSource(try PackPlan(try surveyed(), times: .own))
        switch how {
        case "shrink": try TemporaryTree.write([1], to: path)
        case "grow": try TemporaryTree.write([UInt8](repeating: 1, count: 6_000), to: path)
        case "replace":
            try tree.file("new", [UInt8](repeating: 1, count: 5_000))
            let new = try tree.at("new")
            _ = new.withCString { new in path.withCString { rename(new, $0) } }
        case "touch": try tree.file("victim", [UInt8](repeating: 1, count: 5_000))
        case "rewrite": try TemporaryTree.write([UInt8](repeating: 2, count: 5_000), to: path)
        default:
            _ = path.withCString { unlink($0) }
            if how == "link" { try tree.link("victim", to: "other") }
            if how == "fifo" { try tree.fifo("victim") }
        }
        let expected: StagingError.Code =
            switch how {
            case "remove": .missing
            case "link": .refused
            default: .changed
            }
        let errors = [
            #expect(throws: StagingError.self) { try Self.whole(source) },
            await #expect(throws: StagingError.self) { try await source.checkUnchanged() },
        ]
        for error in errors {
            #expect(error?.code == expected)
            #expect(error?.what.contains("/victim") == true)
        }
    }

    @Test("B19: a file that is cut after it was opened")
    func cutWhileOpen() throws {
        let path = try tree.file("victim", [UInt8](repeating: 1, count: 5_000))
        let source = PackSource(try PackPlan(try surveyed(), times: .own))
        let reader = try source.body(ByteRange(offset: 0, length: source.length)).makeReader()
        var buffer = [UInt8](repeating: 0, count: 2_000)
        _ = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
        _ = path.withCString { truncate($0, 10) }
        let error = #expect(throws: StagingError.self) {
            while try buffer.withUnsafeMutableBytes({ try reader.read(into: $0) }) > 0 {}
        }
        #expect(error?.code == .changed && error?.what.contains("/victim") == true)
    }

    /// Members in memory.
    private final class Collector: PackTarget, Sendable {
        let tree: TemporaryTree
        let finished = Counter()

        init(_ tree: TemporaryTree) { self.tree = tree }

        func create(_ path: FilePath, size: Int64) throws(StagingError) -> Descriptor {
            let place = try naming { () throws(NameError) in
                try tree.path.appending(RelativePath(path.bytes.dropFirst()))
            }
            let (top, relative) = try RootSet([tree.path]).locate(place)
            if let parent = place.parent { try RootSet([tree.path]).makeDirectories(parent) }
            return try top.open(relative, O_RDWR | O_CREAT | O_EXCL)
        }

        func finish(
            _ path: FilePath,
            _ descriptor: Descriptor,
            digest: CRC64NVME,
            mode: FileMode,
            modified: FileTime
        ) throws(StagingError) {
            try descriptor.set(mode: mode, modified: modified, name: path)
            _ = finished.next()
        }

        func discard() throws(StagingError) {}
    }

    @Test(arguments: [PackDigest.Kind.sha256, .crc64nvme])
    func whatIsPackedIsUnpacked(digest: PackDigest.Kind) async throws {
        let source = PackSource(try PackPlan(try sample(), times: .own))
        let out = try TemporaryTree()
        let collector = Collector(out)
        let sink = PackSink(into: collector, digest: digest) { _, _ in }
        let bytes = try Self.whole(source)
        for start in stride(from: 0, to: bytes.count, by: 777) {
            try Array(bytes[start..<min(start + 777, bytes.count)])
                .withUnsafeBytes { try sink.write($0) }
        }
        let expected =
            digest == .sha256
            ? PackDigest.sha256(SHA256Digest(of: bytes)) : .crc64nvme(CRC64NVME(of: bytes))
        #expect(try await sink.finish() == expected)
        #expect(collector.finished.value == source.plan.count)
        let prefix = try FilePath(out.path.bytes + tree.path.bytes)
        for file in source.plan.files {
            let there = try prefix.appending(#require(file.path.relative(to: tree.path)))
            #expect(try TemporaryTree.read(there) == TemporaryTree.read(file.path))
            let status = try #require(FileStatus(at: there))
            #expect(status.mode == file.mode && status.stamp.modified == file.stamp.modified)
        }
    }

    @Test func aPackThatIsCutHasNoDigest() async throws {
        let source = PackSource(try PackPlan(try sample(), times: .own))
        let sink = PackSink(into: Collector(try TemporaryTree()), digest: .sha256) { _, _ in }
        let bytes = try Self.whole(source).dropLast(600)
        try Array(bytes).withUnsafeBytes { try sink.write($0) }
        await #expect(throws: StagingError.self) { try await sink.finish() }
    }

    @Test(
        "other programs read our packs: the same names, bytes and times",
        arguments: [["tar", "--extract"], ["bsdtar", "-x"]]
    )
    func interoperation(_ program: [String]) throws {
        _ = try sample()
        try tree.file(String(repeating: "n", count: 255), [3])
        try tree.file("long/\(String(repeating: "d/", count: 120))f", [4])
        // libarchive reads fractions before 1970 away from the wrong second; whole seconds are right.
        let fraction: Int32 = program[0] == "tar" ? 250_000_000 : 0
        try tree.file("old", [5], modified: FileTime(seconds: -1_000, nanoseconds: fraction))
        try tree.file("late", [6], modified: FileTime(seconds: (1 << 33) + 5))
        try tree.file("new\nline \\ \"quoted\"", [7], mode: 0o750)
        try TemporaryTree.write([8], to: try tree.at([0x62, 0xFF, 0xC3]), modified: TarTests.time)
        let source = PackSource(try PackPlan(try surveyed(), times: .own))
        let out = try TemporaryTree()
        let archive = try out.at("pack.tar").description
        try ChildProcess.write(try Self.whole(source), to: archive)
        try out.directory("files")
        let words = program + ["-p", "-f", archive, "-C", try out.at("files").description]
        #expect(try ChildProcess.run(words, input: "/dev/null", output: "/dev/null") == 0)
        let prefix = try FilePath(out.at("files").bytes + tree.path.bytes)
        var seen = 0
        for file in source.plan.files {
            let there = try prefix.appending(#require(file.path.relative(to: tree.path)))
            let status = try #require(FileStatus(at: there), "\(there)")
            #expect(try TemporaryTree.read(there) == TemporaryTree.read(file.path))
            #expect(status.mode == file.mode)
            #expect(status.stamp.modified == file.stamp.modified, "\(there)")
            seen += 1
        }
        let unpacked = try TreeSurvey(Directory(path: try out.at("files"))).files.count
        #expect(unpacked == seen && seen == source.plan.count)
    }
}
