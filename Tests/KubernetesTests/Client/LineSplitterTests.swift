// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Kubernetes

@Suite struct LineSplitterTests {
    private func lines(
        _ pieces: [[UInt8]],
        limit: Int = 1 << 20
    ) -> (lines: [[UInt8]], hasCut: Bool) {
        var splitter = LineSplitter(limit: limit)
        var lines: [[UInt8]] = []
        for piece in pieces {
            piece.withUnsafeBytes { splitter.take($0) { lines.append(Array($0)) } }
        }
        splitter.finish { lines.append(Array($0)) }
        return (lines, splitter.hasCut)
    }

    @Test func `Lines do not depend on how their bytes came`() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let alphabet: [UInt8] = [10, 0, 13, 65, 255]
            let text = (0..<Int.random(in: 0...60, using: &generator))
                .map { _ in
                    alphabet[Int.random(in: 0..<5, using: &generator)]
                }
            var pieces: [[UInt8]] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            var expected = text.split(separator: 10, omittingEmptySubsequences: false)
                .map { Array($0) }
            // What follows the last line end is a line if there is anything.
            if expected.last?.isEmpty == true { expected.removeLast() }
            #expect(lines(pieces).lines == expected)
        }
    }

    @Test func `A line without an end takes no more memory than its limit`() {
        let (lines, hasCut) = lines([Array("ab".utf8), Array("cdef\ngh\nijklmn".utf8)], limit: 3)
        #expect(lines == [Array("abc".utf8), Array("gh".utf8), Array("ijk".utf8)])
        #expect(hasCut)
        #expect(self.lines([Array("abc\nabc".utf8)], limit: 3).hasCut == false)
    }
}
