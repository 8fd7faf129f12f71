// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// How the rows of the section `kubernetes` are made.
extension ConfigSchema {
    /// A text without a default that another type knows the grammar of; nil from `parse` refuses
    /// it.
    static func optionalText<Value: Sendable>(
        _ path: String,
        absent: String,
        expected: String,
        doc: String,
        parse: @escaping @Sendable (String) throws -> Value?
    ) -> TypedKey<Value> {
        let key = row(path, .text, expected, absent: absent, doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard let value = (try? parse(text)) ?? nil else { throw ConfigValues.bad(text, key) }
            return value
        }
    }

    /// A text without a default whose type says itself what is wrong.
    static func parsed<Value: Sendable>(
        _ path: String,
        absent: String,
        expected: String,
        doc: String,
        parse: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> TypedKey<Value> {
        TypedKey(key: row(path, .text, expected, absent: absent, doc), parse: parse)
    }

    /// An amount of CPU, in thousandths of a core, or of memory or disk, in bytes.
    static func amount(
        _ path: String,
        fallback: String? = nil,
        _ resource: ToolResources.Resource,
        doc: String
    ) -> TypedKey<Int64> {
        let isCPU = resource == .cpu
        let key = row(
            path,
            .size,
            isCPU ? ResourceText.cpuExpected : ResourceText.memoryExpected,
            fallback: fallback,
            absent: resource == .disk
                ? "what is staged, and `kubernetes.output_allowance`" : "none",
            doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            isCPU ? try ResourceText.cpu(text) : try ResourceText.memory(text)
        }
    }

    /// Seconds, as a number alone or with a unit; `none` is nil.
    static func seconds(
        _ path: String,
        fallback: String? = nil,
        absent: String = "",
        in range: ClosedRange<Int64>,
        doc: String
    ) -> TypedKey<Int64?> {
        let limits =
            "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        let key = row(
            path,
            .duration,
            "none, or a time from \(limits), in seconds or with a unit",
            fallback: fallback,
            absent: absent,
            doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            if text == "none" { return nil }
            let isNumber = !text.isEmpty && text.utf8.allSatisfy(ASCII.isDigit)
            return try ConfigValues.seconds(isNumber ? text + "s" : text, key, range)
        }
    }

    /// A whole number without a default.
    static func optionalCount(
        _ path: String,
        absent: String,
        in range: ClosedRange<Int>,
        doc: String
    ) -> TypedKey<Int> {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let key = row(path, .count, expected, absent: absent, doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            guard let value = Int(text), String(value) == text, range.contains(value)
            else { throw ConfigValues.bad(text, key) }
            return value
        }
    }

    /// A user's or group's number, or the word for Galaxy's own.
    static func identity(
        _ path: String,
        fallback: String? = nil,
        word: String,
        from least: Int64,
        doc: String
    ) -> TypedKey<IdentitySettings.Number> {
        let range = least...Int64(Int32.max)
        let key = row(
            path,
            .size,
            "\(word), or a number from \(range.lowerBound) to \(range.upperBound)",
            fallback: fallback,
            absent: "none",
            doc
        )
        return TypedKey(key: key) { (text) throws(BadValue) in
            if text == word { return .galaxys }
            guard let number = Int64(text), "\(number)" == text, range.contains(number)
            else { throw ConfigValues.bad(text, key) }
            return .fixed(number)
        }
    }

    /// Values joined by commas or line breaks; in the file a YAML list, or a map for NAME=VALUE, too.
    static func list<Value: Sendable>(
        _ path: String,
        expected: String,
        doc: String,
        parse: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> TypedKey<[Value]> {
        let key = row(path, .list, expected, absent: "none", doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            var values: [Value] = []
            for part in ListText.parts(text) { values.append(try parse(part)) }
            guard !values.isEmpty else { throw ConfigValues.bad(text, key) }
            return values
        }
    }

    /// A value that is itself YAML: as a text, or in the file as it is.
    static func structure<Value: Sendable>(
        _ path: String,
        expected: String,
        doc: String,
        rule: FieldRule,
        make: @escaping @Sendable (ManifestValue) throws(BadValue) -> Value
    ) -> TypedKey<Value> {
        let key = row(path, .structure, expected, absent: "none", doc)
        return TypedKey(key: key) { (text) throws(BadValue) in
            try make(rule.check(YAMLValue.read(text)))
        }
    }

    private static func row(
        _ path: String,
        _ kind: ConfigKey.Kind,
        _ expected: String,
        fallback: String? = nil,
        absent: String,
        _ doc: String
    ) -> ConfigKey {
        ConfigKey(
            path: path,
            kind: kind,
            expected: expected,
            fallback: fallback,
            absent: fallback == nil ? absent : "",
            doc: doc
        )
    }
}

/// Values joined by commas or line breaks.
enum ListText {
    /// The values, without the blanks around them; empty ones are none.
    static func parts(_ text: String) -> [String] {
        text.utf8.split { ",\n\r".utf8.contains($0) }
            .map { part in
                var part = part
                while let first = part.first, isBlank(first) { part = part.dropFirst() }
                while let last = part.last, isBlank(last) { part = part.dropLast() }
                return String(decoding: part, as: UTF8.self)
            }
            .filter { !$0.isEmpty }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
