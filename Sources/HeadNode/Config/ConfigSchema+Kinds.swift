// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names

/// How the rows of the table are made.
extension ConfigSchema {
    /// A text that another type knows the grammar of.
    static func text<Value: Sendable>(
        _ path: String,
        fallback: String,
        expected: String,
        doc: String,
        parse: @escaping @Sendable (String) throws -> Value
    ) -> TypedKey<Value> {
        let key = ConfigKey(
            path: path,
            kind: .text,
            expected: expected,
            fallback: fallback,
            absent: "",
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard let value = try? parse(text) else { throw ConfigValues.bad(text, key) }
            return value
        }
    }

    /// A text without a default; what it may be is checked when all is known.
    static func plain(
        _ path: String,
        absent: String,
        expected: String,
        doc: String
    ) -> TypedKey<String> {
        let key = ConfigKey(
            path: path,
            kind: .text,
            expected: expected,
            fallback: nil,
            absent: absent,
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard !text.isEmpty else { throw ConfigValues.bad(text, key) }
            return text
        }
    }

    /// One of the words of an enumeration.
    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ path: String,
        fallback: Value,
        doc: String
    ) -> TypedKey<Value> {
        let key = wordKey(path, fallback.rawValue, Value.allCases.map(\.rawValue), doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard let value = Value(rawValue: text) else { throw ConfigValues.badWord(text, key) }
            return value
        }
    }

    /// One of these words.
    static func word(
        _ path: String,
        fallback: String,
        of words: [String],
        doc: String
    ) -> TypedKey<String> {
        let key = wordKey(path, fallback, words, doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard words.contains(text) else { throw ConfigValues.badWord(text, key) }
            return text
        }
    }

    private static func wordKey(
        _ path: String,
        _ fallback: String,
        _ words: [String],
        _ doc: String
    ) -> ConfigKey {
        ConfigKey(
            path: path,
            kind: .choice(words),
            expected: words.count == 1 ? words[0] : "one of " + words.joined(separator: ", "),
            fallback: fallback,
            absent: "",
            doc: doc
        )
    }

    /// `true` or `false`.
    static func flag(
        _ path: String,
        fallback: Bool,
        doc: String
    ) -> TypedKey<Bool> {
        let key = ConfigKey(
            path: path,
            kind: .flag,
            expected: "true or false",
            fallback: "\(fallback)",
            absent: "",
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw ConfigValues.bad(text, key)
            }
        }
    }

    /// A whole number.
    static func count(
        _ path: String,
        fallback: Int,
        in range: ClosedRange<Int>,
        doc: String
    ) -> TypedKey<Int> {
        let key = ConfigKey(
            path: path,
            kind: .count,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            fallback: "\(fallback)",
            absent: "",
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard let value = Int(text), String(value) == text, range.contains(value)
            else { throw ConfigValues.bad(text, key) }
            return value
        }
    }

    /// Bytes, as Kubernetes writes quantities.
    static func size(
        _ path: String,
        fallback: String,
        in range: ClosedRange<Int64>,
        doc: String
    ) -> TypedKey<Int64> {
        let limits = "\(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
        let key = ConfigKey(
            path: path,
            kind: .size,
            expected: "a size from \(limits), such as \(fallback)",
            fallback: fallback,
            absent: "",
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            let value = try Quantity.bytes(text, expected: key.expected)
            guard range.contains(value) else { throw ConfigValues.bad(text, key) }
            return value
        }
    }

    /// Seconds, written with a unit.
    static func duration(
        _ path: String,
        fallback: String,
        in range: ClosedRange<Int64>,
        doc: String
    ) -> TypedKey<Int64> {
        let key = durationKey(path, fallback: fallback, range, orNone: false, doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            try ConfigValues.seconds(text, key, range)
        }
    }

    /// Seconds, written with a unit, or `none`, which is the default.
    static func optionalDuration(
        _ path: String,
        in range: ClosedRange<Int64>,
        doc: String
    ) -> TypedKey<Int64?> {
        let key = durationKey(path, fallback: "none", range, orNone: true, doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            text == "none" ? nil : try ConfigValues.seconds(text, key, range)
        }
    }

    private static func durationKey(
        _ path: String,
        fallback: String,
        _ range: ClosedRange<Int64>,
        orNone: Bool,
        _ doc: String
    ) -> ConfigKey {
        let limits =
            "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return ConfigKey(
            path: path,
            kind: .duration,
            expected: (orNone ? "none, or " : "") + "a time from \(limits), such as 90s or 1h",
            fallback: fallback,
            absent: "",
            doc: doc
        )
    }

    /// The absolute path of a file or directory.
    static func path(
        _ path: String,
        absent: String,
        doc: String
    ) -> TypedKey<FilePath> {
        let key = ConfigKey(
            path: path,
            kind: .path,
            expected: "an absolute path",
            fallback: nil,
            absent: absent,
            doc: doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in try ConfigValues.path(text) }
    }
}

/// What the rows' parsers share.
enum ConfigValues {
    static func bad(_ text: String, _ key: ConfigKey) -> BadValue {
        BadValue(why: "\"\(shown(text))\" is not allowed", remedy: "Write \(key.expected).")
    }

    static func badWord(_ text: String, _ key: ConfigKey) -> BadValue {
        guard case .choice(let words) = key.kind,
            let near = EditDistance.nearest(to: text, in: words)
        else { return bad(text, key) }
        return BadValue(
            why: "\"\(shown(text))\" is not allowed; did you mean \(near)?",
            remedy: "Write \(key.expected)."
        )
    }

    static func path(_ text: String) throws(BadValue) -> FilePath {
        do {
            return try FilePath(normalising: text.utf8)
        } catch {
            throw BadValue(
                why: "\"\(shown(text))\" cannot be used: \(error.reason)",
                remedy: "Write an absolute path without `..` and `~`."
            )
        }
    }

    static func seconds(
        _ text: String,
        _ key: ConfigKey,
        _ range: ClosedRange<Int64>
    ) throws(BadValue) -> Int64 {
        guard let value = DurationText.seconds(text), range.contains(value)
        else { throw bad(text, key) }
        return value
    }

    /// A value for a message: one line, not too long.
    static func shown(_ text: String) -> String {
        text.utf8.count <= 80 ? text.logSafe : text.utf8.prefix(60).logSafe + "…"
    }
}
