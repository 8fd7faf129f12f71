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
        var settings = try example.settings()
        // The file's own place is among them.
        settings.privateFiles = try plain.settings().privateFiles
        #expect(try settings == plain.settings())
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

    @Test func thePageOnKubernetesNamesEveryKeyAndNoOther() throws {
        let page = try read("docs/kubernetes.md")
        let section = "kubernetes."
        let keys = ConfigSchema.keys.map(\.path).filter { $0.hasPrefix(section) }
            .map { String($0.dropFirst(section.count)) }
        #expect(keys.count > 40)
        for key in keys { #expect(page.contains("`\(key)`"), "\(key) is not on the page") }
        for ignored in IgnoredKey.all {
            let row = "| `\(ignored.path.dropFirst(section.count))` | none | \(ignored.why) |"
            #expect(page.contains(row), "\(row)")
        }
        let known = keys + IgnoredKey.all.map { String($0.path.dropFirst(section.count)) }
        for word in page.matches(of: /`((?:k8s|requests|limits|worker)_[a-z0-9_]+)`/) {
            let name = String(word.output.1)
            let isOld = UnknownKey(section + name).explanation.what
                .contains(", which is kubernetes.")
            #expect(known.contains(name) || isOld, "\(name) is no key")
        }
    }

    /// What the page shows in several lines can be used as it stands.
    @Test func theExamplesOfThePageCanBeUsed() throws {
        let blocks = try read("docs/kubernetes.md").split(separator: "```yaml\n").dropFirst()
            .compactMap { $0.split(separator: "```").first.map(String.init) }
        #expect(blocks.count == 2)
        let image = "registry.example.org/galaxy/worker@sha256:"
        let first = blocks[0].replacing("sha256:…", with: "sha256:\(PlanSample.digest)")
        let second = "s3_executor:\n  s3: {bucket: data}\n" + blocks[1]
        for text in [first, second] {
            var resolver = SettingsResolver(
                file: ConfigFile(Array(text.utf8), named: "page"),
                environment: ["HOME": "/h"]
            )
            let settings = try resolver.settings()
            #expect(resolver.warnings == [])
            #expect(
                settings.kubernetes.tool.sidecars.count == 1
                    || settings.kubernetes.images.worker?.description.hasPrefix(image) == true
            )
        }
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
    func part(before part: String) -> String {
        let bytes = Array(utf8)
        let wanted = Array(part.utf8)
        let cut = bytes.indices.first { bytes[$0...].starts(with: wanted) } ?? bytes.endIndex
        return String(decoding: bytes[..<cut], as: UTF8.self)
    }
}
