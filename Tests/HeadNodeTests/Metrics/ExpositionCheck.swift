// SPDX-License-Identifier: Apache-2.0

import Testing

/// A strict reader of Prometheus' text format, version 0.0.4: what it takes, Prometheus takes.
enum ExpositionCheck {
    struct Problem: Error, CustomStringConvertible {
        let line: String
        let why: String

        var description: String { "\(why): \(line)" }
    }

    /// - Throws: the first line that is wrong.
    static func check(_ text: String) throws {
        guard text.utf8.last == UInt8(ascii: "\n") else {
            throw Problem(line: text, why: "no line feed at the end")
        }
        var families: Set<String> = []
        var seen: Set<String> = []
        var current: (name: String, kind: String)?
        var help: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let line = String(line)
            if line.hasPrefix("# HELP ") {
                help = String(line.dropFirst(7).prefix { $0 != " " })
            } else if line.hasPrefix("# TYPE ") {
                let words = line.dropFirst(7).split(separator: " ").map(String.init)
                guard words.count == 2, words[0] == help, isName(words[0]),
                    ["counter", "gauge", "histogram"].contains(words[1])
                else {
                    throw Problem(line: line, why: "TYPE without its HELP, or of no known kind")
                }
                guard families.insert(words[0]).inserted else {
                    throw Problem(line: line, why: "a family stands twice")
                }
                current = (words[0], words[1])
            } else {
                guard let current else { throw Problem(line: line, why: "no family yet") }
                let (name, labels, _) = try sample(line)
                let suffixes = current.kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard suffixes.contains(where: { current.name + $0 == name }) else {
                    throw Problem(line: line, why: "not of the family \(current.name)")
                }
                guard
                    (name.hasSuffix("_bucket") && current.kind == "histogram")
                        == labels.contains(where: { $0.hasPrefix("le=") })
                else { throw Problem(line: line, why: "buckets, and they alone, have le") }
                guard seen.insert(name + labels.sorted().joined(separator: ",")).inserted else {
                    throw Problem(line: line, why: "a series stands twice")
                }
            }
        }
    }

    /// Name, `label="value"` each, value.
    private static func sample(_ line: String) throws -> (String, [String], Double) {
        var rest = line[...]
        let name = rest.prefix { $0 != "{" && $0 != " " }
        guard isName(String(name)) else { throw Problem(line: line, why: "no name") }
        rest = rest.dropFirst(name.count)
        var labels: [String] = []
        if rest.first == "{" {
            rest = rest.dropFirst()
            repeat {
                let label = rest.prefix { $0 != "=" }
                guard isName(String(label)), !label.contains(":") else {
                    throw Problem(line: line, why: "no label")
                }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw Problem(line: line, why: "no value") }
                rest = rest.dropFirst(2)
                var value = ""
                while let next = rest.first, next != "\"" {
                    value.append(next)
                    rest = rest.dropFirst()
                    guard next == "\\" else { continue }
                    guard let escaped = rest.first, "\\\"n".contains(escaped) else {
                        throw Problem(line: line, why: "a backslash that escapes nothing")
                    }
                    value.append(escaped)
                    rest = rest.dropFirst()
                }
                guard rest.first == "\"" else { throw Problem(line: line, why: "no closing quote") }
                rest = rest.dropFirst()
                labels.append("\(label)=\(value)")
                guard rest.first == "," else { break }
                rest = rest.dropFirst()
            } while true
            guard rest.first == "}" else { throw Problem(line: line, why: "no closing brace") }
            rest = rest.dropFirst()
        }
        guard Set(labels.map { $0.prefix { $0 != "=" } }).count == labels.count else {
            throw Problem(line: line, why: "a label stands twice")
        }
        let text = String(rest.dropFirst())
        guard rest.first == " ", let value = text == "+Inf" ? .infinity : Double(text) else {
            throw Problem(line: line, why: "no value")
        }
        return (String(name), labels, value)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            (97...122).contains(byte | 0x20) || (48...58).contains(byte) || byte == 95
        }
    }
}

@Suite struct ExpositionCheckTests {
    @Test(
        arguments: [
            "a 1\n", "# HELP a b\n# TYPE a gauge\nb 1\n", "# HELP a b\n# TYPE a gauge\na 1",
            "# HELP a b\n# TYPE a gauge\na{b=\"c} 1\n",
            "# HELP a b\n# TYPE a gauge\na{b=\"\\x\"} 1\n",
            "# HELP a b\n# TYPE a gauge\na one\n", "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
            "# HELP a b\n# TYPE a sum\na 1\n", "# TYPE a gauge\na 1\n",
            "# HELP a b\n# TYPE a histogram\na_bucket 1\n",
            "# HELP a b\n# TYPE a gauge\na{1b=\"c\"} 1\n",
            "# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na{b=\"c\"} 1\n",
        ]
    )
    func whatIsWrongIsRefused(_ text: String) {
        #expect(throws: ExpositionCheck.Problem.self) { try ExpositionCheck.check(text) }
    }

    @Test func whatIsRightIsTaken() throws {
        try ExpositionCheck.check(
            "# HELP a b c\n# TYPE a gauge\na{b=\"\\\"\",c=\"\"} 1.5\na +Inf\n"
        )
    }
}
