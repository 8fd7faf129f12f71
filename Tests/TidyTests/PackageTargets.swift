// SPDX-License-Identifier: Apache-2.0

import Testing

/// The targets of Package.swift and what each may import, read from its text.
struct PackageTargets {
    struct Target {
        var name: String
        /// The folder below `Sources` or `Tests`.
        var folder: String
        var dependencies: Set<String>
    }

    var all: [Target] = []

    init(manifest: String) throws {
        let start = try #require(manifest.firstRange(of: "    targets: [")).upperBound
        let opening = /(library|tests|head|\.executableTarget|\.target|\.systemLibrary)\(/
        var rest = manifest[start...]
        while let match = rest.firstMatch(of: opening) {
            let call = Self.arguments(rest[match.range.upperBound...])
            all.append(try Self.target(call))
            rest = rest[call.endIndex...]
        }
    }

    subscript(folder: Substring) -> Target? { all.first { $0.folder == folder } }

    /// What stands between a call's parentheses.
    private static func arguments(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }

    private static func target(_ call: Substring) throws -> Target {
        let strings = call.matches(of: /"([^"]*)"/).map { String($0.output.1) }
        let name = try #require(strings.first)
        let path = call.firstMatch(of: /path: "Tests\/(\w+)"/).map { String($0.output.1) }
        var dependencies = Set(strings.dropFirst())
        if call.contains("argumentParser") { dependencies.insert("ArgumentParser") }
        return Target(name: name, folder: path ?? name, dependencies: dependencies)
    }
}
