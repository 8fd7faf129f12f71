// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Our block of a configuration file, cut out with its lines where they were.
///
/// The rest of `galaxy.yml` is Galaxy's: its anchors, tags and duplicate keys are not ours to
/// judge, so it is never given to the YAML parser. Every line of it is replaced by an empty one,
/// which keeps the positions in messages right.
struct ConfigBlock: Equatable {
    /// The longest file that is read, in bytes.
    static let longest = 1 << 20
    /// How many aliases a block may seem to have before it is not parsed at all: a few of them,
    /// nested, can stand for more nodes than any memory holds.
    private static let mostAliases = 16

    let text: String

    /// - Returns: nil when the file has no such block.
    /// - Throws: What cannot be used of the block as text.
    static func cut(
        from bytes: [UInt8],
        of file: String
    ) throws(ConfigError) -> ConfigBlock? {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...]
        let lines = content.split(separator: newline, omittingEmptySubsequences: false)
        let starts = lines.indices.filter { key(of: lines[$0]) == Array(ConfigSchema.block.utf8) }
        guard let start = starts.first else {
            try lookForStray(lines, file)
            return nil
        }
        if starts.count > 1 {
            throw problem(
                file,
                line: starts[1] + 1,
                what: "a second block \(ConfigSchema.block), the first is in line \(start + 1)",
                remedy: "Make them one block."
            )
        }
        let end = lines.indices.first { $0 > start && endsBlock(lines[$0]) } ?? lines.endIndex
        try check(lines[start..<end], file)
        let kept = lines.indices.map { (start..<end).contains($0) ? lines[$0] : [] }
        let joined = Array(kept.joined(separator: [newline]))
        guard let text = String(validating: joined, as: UTF8.self) else {
            let bad = (start..<end).first { String(validating: lines[$0], as: UTF8.self) == nil }
            throw problem(
                file,
                line: (bad ?? start) + 1,
                what: "the line is not UTF-8",
                remedy: "Save the file in UTF-8."
            )
        }
        return ConfigBlock(text: text)
    }

    private static let newline = UInt8(ascii: "\n")

    /// The key at the very start of a line, without its quotes.
    private static func key(of line: ArraySlice<UInt8>) -> [UInt8]? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex
        else { return nil }
        let after = line.index(after: colon)
        guard after == line.endIndex || " \t\r".utf8.contains(line[after]) else { return nil }
        var name = line[..<colon]
        while name.last == UInt8(ascii: " ") { name = name.dropLast() }
        if name.count >= 2, let quote = name.first, "\"'".utf8.contains(quote), name.last == quote {
            name = name.dropFirst().dropLast()
        }
        return Array(name)
    }

    /// Whether a line begins something else than our block: it has text in the first column.
    private static func endsBlock(_ line: ArraySlice<UInt8>) -> Bool {
        guard let first = line.first else { return false }
        if line.starts(with: "---".utf8) || line.starts(with: "...".utf8) { return true }
        return !" \t\r#-}]".utf8.contains(first)
    }

    /// A block that was meant, but is spelled or placed wrong.
    private static func lookForStray(
        _ lines: [ArraySlice<UInt8>],
        _ file: String
    ) throws(ConfigError) {
        let block = Array(ConfigSchema.block.utf8)
        for (index, line) in lines.enumerated() {
            let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if text.startIndex > line.startIndex, key(of: text) == block {
                throw problem(
                    file,
                    line: index + 1,
                    column: text.startIndex - line.startIndex + 1,
                    what: "\(ConfigSchema.block) is indented, so it belongs to another block",
                    remedy: "Move it to the first column, and what is below it as far left."
                )
            }
            if text.first == UInt8(ascii: "{"), contains(text, block) {
                throw problem(
                    file,
                    line: index + 1,
                    what: "\(ConfigSchema.block) is inside braces",
                    remedy: "Write it as a block of its own, in the first column."
                )
            }
            if let name = key(of: line), name != block, EditDistance.between(name, block) <= 2 {
                throw problem(
                    file,
                    line: index + 1,
                    what: "unknown block \(name.logSafe); did you mean \(ConfigSchema.block)?",
                    remedy: "Correct the name."
                )
            }
        }
    }

    /// What the YAML parser would say less clearly, or only after too much work.
    private static func check(
        _ lines: ArraySlice<ArraySlice<UInt8>>,
        _ file: String
    ) throws(ConfigError) {
        var aliases = 0
        for index in lines.indices {
            let line = lines[index]
            let indent = line.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            let rest = line.dropFirst(indent.count)
            let isBlank = rest.isEmpty || rest.first == UInt8(ascii: "\r")
            if let tab = indent.firstIndex(of: UInt8(ascii: "\t")), !isBlank {
                throw problem(
                    file,
                    line: index + 1,
                    column: tab - line.startIndex + 1,
                    what: "a tab indents the line; YAML takes spaces only",
                    remedy: "Replace it by spaces."
                )
            }
            if let odd = line.firstIndex(where: { $0 < 0x20 && !"\t\r".utf8.contains($0) }) {
                throw problem(
                    file,
                    line: index + 1,
                    column: odd - line.startIndex + 1,
                    what: "a control character, byte \(line[odd])",
                    remedy: "Delete it."
                )
            }
            aliases += line.count { $0 == UInt8(ascii: "*") }
            if aliases > mostAliases {
                throw problem(
                    file,
                    line: index + 1,
                    what: "more than \(mostAliases) asterisks; aliases are not used here",
                    remedy: "Write the values out."
                )
            }
        }
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ word: [UInt8]) -> Bool {
        line.indices.contains { line[$0...].starts(with: word) }
    }

    private static func problem(
        _ file: String,
        line: Int,
        column: Int = 1,
        what: String,
        remedy: String
    ) -> ConfigError {
        let place = ConfigEntry.Origin.file(file, line: line, column: column)
        return ConfigError([ConfigProblem(at: place, what: what, remedy: remedy)])
    }
}
