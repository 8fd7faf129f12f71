// SPDX-License-Identifier: Apache-2.0

/// Which files beside a reference file belong to it, by their names alone.
///
/// Galaxy's tables name one file, or what several begin with, and tools find the others by their names:
/// `hg38.fa.fai` is beside `hg38.fa`, and so is `hg38.dict`.
struct SiblingNames {
    private let itself: [UInt8]
    private let named: [UInt8]
    private let likely: [UInt8]?

    /// - Parameter isFile: whether `name` is a file itself, whose extension others replace by theirs.
    init(of name: [UInt8], isFile: Bool) {
        let dot = UInt8(ascii: ".")
        itself = name
        named = name + [dot]
        likely = name.lastIndex(of: dot).flatMap { isFile && $0 > 0 ? Array(name[...$0]) : nil }
    }

    func contain(_ name: [UInt8]) -> Bool {
        guard name != itself else { return false }
        return areNamed(name) || likely.map { name.starts(with: $0) } ?? false
    }

    /// Whether the table's entry is the whole beginning of the name.
    func areNamed(_ name: [UInt8]) -> Bool { name.starts(with: named) }
}
