// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import HeadNode

/// The documentation follows from the table of keys.
@Suite struct ConfigDocumentationTests {
    private static let repository = String(#filePath).part(before: "/Tests/HeadNodeTests/")
    private static let start = "<!-- keys: made from ConfigSchema;"
    private static let end = "<!-- end of keys -->"

    @Test func theExampleShowsEveryKeyWithItsDefault() throws {
        let text = try read("config/galaxy.example.yml")
        let file = ConfigFile(Array(Self.withoutMarks(text).utf8), named: "example")
        #expect(file.problems == [])
        for key in ConfigSchema.keys {
            let entry = file.entries.first { $0.path == key.path }
            #expect(entry != nil, "\(key.path) is not in the example")
            if let fallback = key.fallback {
                #expect(entry?.text == fallback, "\(key.path) has another default")
            }
        }
    }

    @Test func theExampleAsItStandsGivesTheDefaults() throws {
        let text = try read("config/galaxy.example.yml")
        let file = ConfigFile(Array(text.utf8), named: "example")
        let environment = ["HOME": "/home/galaxy"]
        var example = SettingsResolver(file: file, environment: environment)
        var plain = SettingsResolver(
            file: nil,
            environment: environment,
            flags: ["s3.bucket=galaxy-data"]
        )
        #expect(try example.settings() == plain.settings())
    }

    @Test func theManualListsEveryKey() throws {
        let path = "docs/configuration.md"
        let text = try read(path)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let from = try #require(lines.firstIndex { $0.hasPrefix(Self.start) })
        let to = try #require(lines.firstIndex(of: Self.end))
        let found = Array(lines[(from + 1)..<to])
        if found != Self.table, ProcessInfo.processInfo.environment["RECORD"] == "1" {
            let new = lines[...from] + Self.table + lines[to...]
            try Data(new.joined(separator: "\n").utf8)
                .write(to: URL(filePath: "\(Self.repository)/\(path)"))
        }
        #expect(found == Self.table)
    }

    private static var table: [String] {
        let head = [
            "", "| key | environment | default | value | |", "| --- | --- | --- | --- | --- |",
        ]
        let rows = ConfigSchema.keys.map { key in
            let fallback = key.fallback.map { "`\($0)`" } ?? key.absent
            return "| `\(key.path)` | `\(key.environmentName)` | \(fallback) | \(key.expected) "
                + "| \(key.doc) |"
        }
        return head + rows + [""]
    }

    /// The text with the keys behind `# ` as keys.
    private static func withoutMarks(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in
                let body = line.drop { $0 == " " }
                guard body.hasPrefix("# ") else { return String(line) }
                let rest = body.dropFirst(2)
                let name = rest.prefix { $0.isLowercase || $0.isNumber || $0 == "_" }
                let isKey =
                    rest.dropFirst(name.count).hasPrefix(": ")
                    && ConfigSchema.keys.contains { key in
                        key.fallback == nil && key.components.last == String(name)
                    }
                return isKey ? String(line.prefix { $0 == " " }) + rest : String(line)
            }
            .joined(separator: "\n")
    }

    private func read(_ path: String) throws -> String {
        let data = try Data(contentsOf: URL(filePath: "\(Self.repository)/\(path)"))
        return String(decoding: data, as: UTF8.self)
    }
}

extension String {
    /// What stands before `part`.
    fileprivate func part(before part: String) -> String {
        let bytes = Array(utf8)
        let wanted = Array(part.utf8)
        let cut = bytes.indices.first { bytes[$0...].starts(with: wanted) } ?? bytes.endIndex
        return String(decoding: bytes[..<cut], as: UTF8.self)
    }
}
