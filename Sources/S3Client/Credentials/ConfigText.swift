// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// The file format of `~/.aws/config` and `~/.aws/credentials`, read byte by byte by the rules of
/// the AWS SDKs and tools reference guide, "Location and format of the shared config files":
/// `[section]`, `name = value`, comments that begin a line with `#` or `;` or follow a blank and one
/// of them, indented lines that belong to the property above. CR LF and a byte order mark are fine.
package struct ConfigText: Sendable, Equatable {
    /// Properties by section and name; names in lower case. A later one wins, sections add up.
    package private(set) var sections: [[UInt8]: [String: String]] = [:]

    package init() {}

    /// - Parameter file: the file's name for the error, which has the line's number but not its
    ///   text: it may hold a secret.
    package init(_ bytes: [UInt8], file: String) throws(S3Error) {
        var rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var section: [UInt8]?
        var property: String?
        var number = 0
        for line in rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let isIndented = line.first.map(Self.isBlank) ?? false
            let content = Self.trimmed(line)[...]
            guard let first = content.first, !Self.isComment(first) else { continue }
            if first == UInt8(ascii: "["), !isIndented {
                guard let close = content.firstIndex(of: UInt8(ascii: "]")) else {
                    throw Self.malformed(file, number, "the section's ] is missing")
                }
                let name = Self.trimmed(content[content.index(after: content.startIndex)..<close])
                section = name
                property = nil
                if sections[name] == nil { sections[name] = [:] }
                continue
            }
            // A nested property, such as those below `s3 =`: none of them matters here.
            if isIndented, property != nil { continue }
            guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else {
                throw Self.malformed(file, number, "it is no section, property or comment")
            }
            guard let section else {
                throw Self.malformed(file, number, "a property stands before any section")
            }
            let name = String(
                decoding: Self.trimmed(content[..<equals]).map(Self.lowerCase),
                as: UTF8.self
            )
            let value = Self.withoutComment(content[content.index(after: equals)...])
            sections[section]?[name] = String(decoding: Self.trimmed(value), as: UTF8.self)
            property = name
        }
    }

    /// The properties of the section called `name`.
    package func section(_ name: String) -> [String: String]? { sections[Array(name.utf8)] }

    /// A profile: `[profile x]` in the config file (`[default]` or `[profile default]`), `[x]` in
    /// the credentials file.
    package func profile(_ name: String, isConfig: Bool) -> [String: String]? {
        guard isConfig else { return section(name) }
        for (section, properties) in sections {
            let words = section.split(whereSeparator: Self.isBlank)
            if words.count == 2, words[0].elementsEqual("profile".utf8),
                words[1].elementsEqual(name.utf8)
            {
                return properties
            }
        }
        return name == "default" ? section(name) : nil
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var rest = bytes
        while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        return Array(rest)
    }

    private static func withoutComment(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var previous: UInt8 = 0
        for (index, byte) in zip(value.indices, value) {
            if isComment(byte), isBlank(previous) { return value[..<index] }
            previous = byte
        }
        return value
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private static func isComment(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";")
    }

    private static func lowerCase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func malformed(_ file: String, _ line: Int, _ why: String) -> S3Error {
        .configuration(
            "Cannot read \(file.logSafe): \(why) (line \(line))",
            remedy: "Correct line \(line) of \(file.logSafe)."
        )
    }
}
