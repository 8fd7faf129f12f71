// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Yams

/// A value that is itself YAML: a list or a map, and what is in it. It knows of nothing that YAML
/// has beyond JSON: no anchors, no tags.
indirect enum YAMLValue: Sendable, Equatable {
    case text(String)
    case integer(Int64)
    /// A plain word that YAML takes for something else than text; with what it takes it for.
    case odd(String, what: String)
    case list([YAMLValue])
    case map([Pair])

    struct Pair: Sendable, Equatable {
        var name: String
        var value: YAMLValue
    }

    /// The longest text that is read, in bytes.
    static let longest = 64 << 10
    /// How deep lists and maps may lie in each other.
    static let deepest = 16

    /// Reads a text that holds one YAML document.
    static func read(_ text: String) throws(BadValue) -> YAMLValue {
        guard text.utf8.count <= longest else {
            throw BadValue(why: "it has more than 64Ki", remedy: "Write less.")
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            guard let root = try parser.singleRoot() else {
                throw BadValue(why: "there is nothing in it", remedy: "Delete the key.")
            }
            // Nodes refer to their anchors weakly; the parser owns them.
            return try withExtendedLifetime(parser) { try YAMLValue(root, depth: 0) }
        } catch let error as BadValue {
            throw error
        } catch {
            let lines = "\(error)".utf8.split(separator: UInt8(ascii: "\n")).prefix(1)
            let said = lines.map { $0.logSafe }.joined()
            throw BadValue(why: "it is not YAML: \(said)", remedy: "Correct the YAML.")
        }
    }

    private init(_ node: Node, depth: Int) throws(BadValue) {
        guard depth < Self.deepest else {
            throw BadValue(why: "it is nested too deep", remedy: "Write it flatter.")
        }
        guard node.anchor == nil else {
            throw BadValue(
                why: "anchors and aliases are not used here",
                remedy: "Write the value out."
            )
        }
        guard node.tag.rawValue.utf8.starts(with: "tag:yaml.org,2002:".utf8) else {
            throw BadValue(
                why: "the tag \(ConfigValues.shown(node.tag.rawValue)) is not used here",
                remedy: "Write the value without a tag."
            )
        }
        switch node {
        case .scalar(let scalar):
            self = Self.scalar(scalar, node.tag)
        case .sequence(let sequence):
            var values: [YAMLValue] = []
            for element in sequence { values.append(try YAMLValue(element, depth: depth + 1)) }
            self = .list(values)
        case .mapping(let mapping):
            var pairs: [Pair] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string, key.anchor == nil else {
                    throw BadValue(why: "a key is a name", remedy: "Write a name and a colon.")
                }
                pairs.append(Pair(name: name, value: try YAMLValue(value, depth: depth + 1)))
            }
            self = .map(pairs)
        case .alias:
            throw BadValue(why: "aliases are not used here", remedy: "Write the value out.")
        }
    }

    private static func scalar(
        _ scalar: Node.Scalar,
        _ tag: Tag
    ) -> YAMLValue {
        let text = scalar.string
        guard scalar.style == .plain else { return .text(text) }
        if tag == Tag(.null) { return .odd(text, what: "nothing") }
        if tag == Tag(.bool) { return .odd(text, what: "true or false") }
        if tag == Tag(.timestamp) { return .odd(text, what: "a date") }
        if tag == Tag(.float) { return .odd(text, what: "a number") }
        if tag == Tag(.int) {
            // Of the ways in which YAML writes integers, the one that everybody reads alike.
            guard let number = Int64(text), "\(number)" == text else {
                return .odd(text, what: "a number")
            }
            return .integer(number)
        }
        return .text(text)
    }

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .text: "a text"
        case .integer: "a number"
        case .odd(let text, let what): text.isEmpty ? "nothing" : what
        case .list: "a list"
        case .map: "a map"
        }
    }
}
