// SPDX-License-Identifier: Apache-2.0

extension SeededGenerator {
    /// `count` bytes, any values.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }

    /// A name that a tool could give a file: 1 to 40 bytes, neither `/` nor NUL, not `.` or `..`.
    ///
    /// Plain, spaced, newline, non-UTF-8 and combining ones all come.
    package mutating func fileName() -> [UInt8] {
        let pieces: [[UInt8]] = [
            Array("a".utf8), Array("B".utf8), Array("7".utf8), Array(".".utf8), Array("-".utf8),
            Array(" ".utf8), Array("\n".utf8), Array("\r\n".utf8), Array("%2F".utf8),
            Array("\u{301}".utf8), Array("e\u{301}".utf8), Array("\u{e9}".utf8),
            Array("\u{202E}".utf8), Array("\\".utf8), Array("\"".utf8), [0xFF], [0xC3], [0x01],
        ]
        var name: [UInt8] = []
        for _ in 0..<Int.random(in: 1...10, using: &self) {
            name += pieces.randomElement(using: &self) ?? []
        }
        return name == Array(".".utf8) || name == Array("..".utf8) ? name + [0x78] : name
    }
}
