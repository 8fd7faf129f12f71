// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import Synchronization
import TestSupport
import Testing

@testable import Staging

@Suite struct MemberWritersTests {
    /// Files below a directory, each of which may be refused.
    private final class Target: PackTarget {
        let tree: TemporaryTree
        let refused: FilePath?
        private let done = Mutex<[FilePath: CRC64NVME]>([:])
        /// How many files are being made, and the most there were at once.
        private let underWay = Mutex((now: 0, most: 0))

        init(_ tree: TemporaryTree, refusing refused: FilePath? = nil) {
            self.tree = tree
            self.refused = refused
        }

        var finished: [FilePath: CRC64NVME] { done.withLock { $0 } }
        var most: Int { underWay.withLock { $0.most } }
        var left: Int { underWay.withLock { $0.now } }

        func create(_ path: FilePath, size: Int64) throws(StagingError) -> Descriptor {
            if path == refused { throw StagingError(.refused, what: "no place for \(path)") }
            underWay.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            return try RootSet([tree.path]).create(path)
        }

        func finish(
            _ path: FilePath,
            _ descriptor: Descriptor,
            digest: CRC64NVME,
            mode: FileMode,
            modified: FileTime
        ) throws(StagingError) {
            usleep(200)
            underWay.withLock { $0.now -= 1 }
            done.withLock { $0[path] = digest }
        }

        func discard() throws(StagingError) {}
    }

    private let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    private func members(_ numbers: Range<Int>) throws -> [MemberWriters.Member] {
        try numbers.map { number in
            let bytes = Array("member \(number)".utf8)
            let header = TarMember(
                name: try RelativePath("m\(number)"),
                size: Int64(bytes.count),
                mode: FileMode(0o644),
                modified: FileTime(seconds: 1)
            )
            return MemberWriters.Member(
                path: try tree.at("m\(number)"),
                header: header,
                bytes: bytes
            )
        }
    }

    @Test func allAreInPlaceWhenItIsFinished() async throws {
        let target = Target(tree)
        let writers = MemberWriters(into: target)
        for start in stride(from: 0, to: 400, by: 5) {
            try writers.add(try members(start..<(start + 5)))
        }
        try await writers.finish()
        #expect(target.finished.count == 400 && target.left == 0)
        for member in try members(0..<400) {
            #expect(try TemporaryTree.read(member.path) == member.bytes)
            #expect(target.finished[member.path] == CRC64NVME(of: member.bytes))
        }
        #expect(target.most > 1, "nothing went on at the same time")
    }

    @Test func oneThatFailsEndsTheOthersAndIsNamed() async throws {
        let target = Target(tree, refusing: try tree.at("m7"))
        let writers = MemberWriters(into: target)
        var refusal: StagingError?
        for start in stride(from: 0, to: 4_000, by: 5) where refusal == nil {
            let members = try members(start..<(start + 5))
            do throws(StagingError) { try writers.add(members) } catch { refusal = error }
        }
        #expect(refusal?.what.contains("m7") == true)
        await writers.settle()
        let settled = target.finished.count
        #expect(settled < 4_000 && target.left == 0)
        let error = await #expect(throws: StagingError.self) { try await writers.finish() }
        #expect(error?.what == refusal?.what)
        #expect(target.finished.count == settled, "something was written after all was over")
    }

    @Test func nothingAtAllIsFinishedAtOnce() async throws {
        try await MemberWriters(into: Target(tree)).finish()
    }
}
