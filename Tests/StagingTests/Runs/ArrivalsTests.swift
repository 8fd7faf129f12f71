// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Testing

@testable import Staging

/// What has come gets its names when all of it is on the disk.
@Suite struct ArrivalsTests {
    /// More than wait for one thread, and no whole number of batches.
    private static let count = 203

    private let tree: TemporaryTree
    private let arrivals: Arrivals

    init() throws {
        tree = try TemporaryTree()
        arrivals = Arrivals(try RootSet([tree.path]), of: try RunID("1-0123456789abcdef"))
    }

    private func arrive() throws {
        for number in 0..<Self.count {
            let place = try tree.file("\(number)", "old")
            let file = try arrivals.begin(place)
            #expect(write(file.raw, "new", 3) == 3)
            arrivals.complete(place, file, size: 3)
        }
    }

    private func texts() throws -> Set<String> {
        Set(
            try (0..<Self.count)
                .map { number in
                    String(decoding: try TemporaryTree.read(tree.at("\(number)")), as: UTF8.self)
                }
        )
    }

    @Test func `T26: nobody else reads a file before it is in its place`() throws {
        let file = try arrivals.begin(try tree.file("0", "old"))
        #expect(try file.status().mode == FileMode(0o600))
        let names = try Directory(path: tree.path).names().filter { $0 != Array("0".utf8) }
        #expect(names.count == 1)
        #expect(names.first?.starts(with: Array(".galaxy_s3.1-0123456789abcdef.".utf8)) == true)
    }

    @Test func `Files come to their places, however many are flushed together`() async throws {
        try arrive()
        let stale = try tree.file("stale", "0")
        try await arrivals.promote(inPlaceOf: stale)
        #expect(try texts() == ["new"])
        #expect(try Directory(path: tree.path).names().count == Self.count)
    }

    @Test("invariant 1: nothing is renamed or removed when one of the files cannot be flushed")
    func unflushed() async throws {
        try arrive()
        let stale = try tree.file("stale", "0")
        // A pipe has no disk to be brought to.
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (output, input) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        arrivals.complete(try tree.at("0"), input, size: 3)
        let error = await #expect(throws: StagingError.self) {
            try await arrivals.promote(inPlaceOf: stale)
        }
        #expect(try TemporaryTree.read(stale) == Array("0".utf8))
        #expect(error?.what.contains("flush") == true)
        #expect(try texts() == ["old"])
        _ = output
    }
}
