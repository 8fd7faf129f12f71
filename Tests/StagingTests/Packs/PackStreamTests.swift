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

@Suite struct PackStreamTests {
    private static let partBytes: Int64 = 4_000

    private let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// Files whose borders are everywhere in the parts, some longer than a part, some empty.
    private func sample() throws -> PackPlan {
        var random = SeededGenerator(seed: 31)
        for number in 0..<40 {
            let size = number % 7 == 0 ? 0 : Int.random(in: 1...9_000, using: &random)
            try tree.file("d\(number % 3)/f\(number)", random.bytes(size))
        }
        return try surveyed()
    }

    private func surveyed() throws -> PackPlan {
        try PackPlan(TreeSurvey(Directory(path: tree.path)).files, times: .own)
    }

    private static func parts(of plan: PackPlan) -> [ByteRange] {
        stride(from: 0, to: plan.length, by: Int(partBytes))
            .map { ByteRange(offset: $0, length: min(partBytes, plan.length - $0)) }
    }

    /// What an upload gets of all parts, asked for by a few tasks at once.
    private static func read(
        _ stream: PackStream,
        _ parts: [ByteRange],
        atOnce: Int = 4
    ) async throws -> [ReadyBytes?] {
        try await boundedMap(parts, limit: atOnce) { (part) throws(StagingError) in
            do { return try await stream.ready(part) } catch let error as StagingError {
                throw error
            } catch {
                throw StagingError(.io, what: "another error", cause: error)
            }
        }
    }

    @Test(
        "parts come as they are, in memory or not, and the sums of pack and files with them",
        arguments: [0, 9_000, 1 << 20],
        kinds
    )
    func whatIsSent(_ memory: Int64, digest: PackDigest.Kind) async throws {
        let plan = try sample()
        let stream = PackStream(plan, digest: digest, memory: PartMemory(bytes: memory))
        let parts = Self.parts(of: plan)
        var whole: [UInt8] = []
        for ready in try await Self.read(stream, parts) {
            let ready = try #require(ready)
            let bytes = try PackTests.bytes(ready.body)
            // A retry reads it again.
            #expect(try PackTests.bytes(ready.body, pieces: 333) == bytes)
            #expect(ready.checksum == CRC64NVME(of: bytes))
            #expect(ready.body.length == Int64(bytes.count))
            whole += bytes
        }
        #expect(try whole == PackTests.whole(PackSource(plan)))
        let sums = stream.finish()
        let checksum = CRC64NVME(of: whole)
        #expect(sums.pack == Self.digest(digest, of: whole))
        #expect(sums.checksum == checksum)
        for (file, digest) in zip(plan.files, sums.files) {
            #expect(try digest == CRC64NVME(of: TemporaryTree.read(file.path)))
        }
    }

    private static let kinds: [PackDigest.Kind] = [.sha256, .crc64nvme]

    private static func digest(_ kind: PackDigest.Kind, of bytes: [UInt8]) -> PackDigest {
        kind == .sha256 ? .sha256(SHA256Digest(of: bytes)) : .crc64nvme(CRC64NVME(of: bytes))
    }

    @Test(arguments: kinds)
    func whateverIsAskedForFirstIsReadInOrder(digest: PackDigest.Kind) async throws {
        let plan = try sample()
        let stream = PackStream(plan, digest: digest, memory: PartMemory(bytes: 1 << 20))
        let parts = Self.parts(of: plan)
        _ = try await Self.read(stream, parts.reversed(), atOnce: parts.count)
        let whole = try PackTests.whole(PackSource(plan))
        #expect(stream.finish().pack == Self.digest(digest, of: whole))
    }

    @Test(arguments: kinds)
    func whatIsAskedForOnceMoreIsReadAgainAndSummedOnce(digest: PackDigest.Kind) async throws {
        let plan = try sample()
        let stream = PackStream(plan, digest: digest, memory: PartMemory(bytes: 1 << 20))
        let parts = Self.parts(of: plan)
        _ = try await Self.read(stream, Array(parts[..<3]))
        #expect(try await stream.ready(parts[1]) == nil)
        #expect(try await stream.ready(parts[0]) == nil)
        let whole = try PackTests.whole(PackSource(plan))
        let range = Int(parts[1].offset)..<Int(parts[1].offset + parts[1].length)
        #expect(try PackTests.bytes(stream.body(parts[1])) == Array(whole[range]))
        _ = try await Self.read(stream, Array(parts[3...]))
        #expect(stream.finish().pack == Self.digest(digest, of: whole))
    }

    /// As an upload does it: a part is sent, and its memory is the next one's.
    @Test(arguments: kinds)
    func memoryOfOnePartIsTheNextOnes(digest: PackDigest.Kind) async throws {
        let plan = try sample()
        let memory = PartMemory(bytes: 2 * Self.partBytes)
        let stream = PackStream(plan, digest: digest, memory: memory)
        var whole: [UInt8] = []
        var before: ReadyBytes?
        for part in Self.parts(of: plan) {
            let ready = try await stream.ready(part)
            // The next one is there by now.
            if let before { whole += try PackTests.bytes(before.body) }
            before = ready
            #expect(memory.held <= 2 * Self.partBytes)
        }
        whole += try PackTests.bytes(#require(before).body)
        #expect(try whole == PackTests.whole(PackSource(plan)))
        #expect(stream.finish().pack == Self.digest(digest, of: whole))
        before = nil
        #expect(memory.held == 0)
    }

    /// Its end is another part's, which may have been read before.
    @Test func aFileThatChangesBetweenTwoPartsIsRefused() async throws {
        let victim = try tree.file("victim", [UInt8](repeating: 1, count: 9_000))
        let plan = try surveyed()
        let reader = PackReader(plan, from: 0, count: 6_000)
        let pieces = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_000, alignment: 1)
        defer { pieces.deallocate() }
        // Its header, then the first of its bytes.
        while try #require(try reader.piece(into: pieces)).index == nil {}
        try TemporaryTree.write([UInt8](repeating: 2, count: 9_000), to: victim)
        let error = #expect(throws: StagingError.self) {
            while try reader.piece(into: pieces) != nil {}
        }
        #expect(error?.code == .changed)
    }

    /// As a rule of the bucket's does it: what was read by then is read again, and summed up once.
    @Test(arguments: kinds, [Int64(0), 12 << 20, 64 << 20])
    func anUploadIsBegunAnew(digest: PackDigest.Kind, memoryBytes: Int64) async throws {
        for number in 0..<9 {
            let bytes = [UInt8](repeating: UInt8(number), count: (4 << 20) - number)
            try tree.file("large/\(number)", bytes)
        }
        let plan = try sample()
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .uploadPart, !call.isDone, call.number == 3 else { return }
            throw S3Error(.noSuchUpload, what: "gone")
        }
        let memory = PartMemory(bytes: memoryBytes)
        let stream = PackStream(plan, digest: digest, memory: memory)
        let limits = TransferLimits(partBytes: PackStream.partBytes)
        let key = try ObjectKey("pack")
        let stored = try await Upload(to: store, limits: limits).run(stream, at: key)
        let whole = try PackTests.whole(PackSource(plan))
        let begun = store.calls.count { $0.kind == .createMultipart && !$0.isDone }
        #expect(begun == 2 && store.openUploads == 0)
        #expect(store.storedBytes(key) == whole)
        #expect(stored.checksum == CRC64NVME(of: whole))
        #expect(stream.finish().pack == Self.digest(digest, of: whole))
        #expect(memory.free == memoryBytes && memory.held == 0)
    }

    @Test func memoryIsGivenBack() async throws {
        let plan = try sample()
        let memory = PartMemory(bytes: 2 * Self.partBytes)
        let stream = PackStream(plan, digest: .sha256, memory: memory)
        let parts = Self.parts(of: plan)
        var kept = try await Self.read(stream, Array(parts[..<4]), atOnce: 1)
        #expect(memory.free == 0)
        kept = []
        #expect(memory.free == 2 * Self.partBytes)
        _ = kept
    }

    @Test(
        "B19: a file that changes before it is read, or while it is, fails all parts alike",
        arguments: ["rewrite", "grow", "fill an empty one", "remove"]
    )
    func changing(_ how: String) async throws {
        let victim = try tree.file("e/victim", [UInt8](repeating: 1, count: 9_000))
        let empty = try tree.file("e/void", [])
        let plan = try sample()
        let stream = PackStream(plan, digest: .sha256, memory: PartMemory(bytes: 1 << 20))
        let parts = Self.parts(of: plan)
        // The first bytes of the victim are read by then, its last are not.
        let begun = try #require(
            parts.firstIndex {
                let member = plan.members[plan.index(at: $0.offset + $0.length)]
                return member.file.path == victim && $0.offset + $0.length > member.contents
            }
        )
        _ = try await Self.read(stream, Array(parts[...begun]))
        switch how {
        case "rewrite": try TemporaryTree.write([UInt8](repeating: 2, count: 9_000), to: victim)
        case "grow": try TemporaryTree.write([UInt8](repeating: 1, count: 9_100), to: victim)
        case "remove": _ = victim.withCString { unlink($0) }
        default: try TemporaryTree.write([1], to: empty)
        }
        let error = await #expect(throws: StagingError.self) {
            try await Self.read(stream, Array(parts[(begun + 1)...]))
        }
        #expect(error?.code == (how == "remove" ? .missing : .changed))
        // Whoever comes later is told the same, and does not wait.
        let last = await #expect(throws: StagingError.self) {
            try await stream.ready(parts[parts.count - 1])
        }
        #expect(last?.what == error?.what)
    }

    @Test func aFileThatChangesWhileItIsReadIsRefused() throws {
        let victim = try tree.file("victim", [UInt8](repeating: 1, count: 5_000))
        let source = PackSource(try surveyed())
        let reader = try source.body(ByteRange(offset: 0, length: source.length)).makeReader()
        var buffer = [UInt8](repeating: 0, count: 3_000)
        _ = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
        let file = victim.withCString { open($0, O_WRONLY) }
        #expect(pwrite(file, [2], 1, 4_000) == 1)
        close(file)
        let error = #expect(throws: StagingError.self) {
            while try buffer.withUnsafeMutableBytes({ try reader.read(into: $0) }) > 0 {}
        }
        #expect(error?.code == .changed)
    }
}
