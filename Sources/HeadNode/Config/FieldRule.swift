// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// What a value that is itself YAML may hold: an allow-list, field by field, all the way down. What
/// no rule names cannot be written, so nobody can set what was not thought of.
indirect enum FieldRule: Sendable {
    case text(TextRule)
    /// A text, or a number that is taken as it is written.
    case scalar(TextRule)
    case integer(ClosedRange<Int64>)
    case list(of: FieldRule, atLeast: Int = 0)
    /// Any names, each with a text.
    case map(TextRule, TextRule)
    case fields([Field])
    /// A rule, and what must hold between its fields: the closure says what does not.
    case checked(FieldRule, @Sendable (ManifestValue) -> BadValue?)

    /// One field of an object.
    struct Field: Sendable {
        var name: String
        var rule: FieldRule
        var isRequired = false
    }

    /// The most elements of a list or a map.
    private static let most = 100

    /// The value as a manifest takes it.
    ///
    /// - Throws: What is wrong, with the place inside the value.
    func check(
        _ value: YAMLValue,
        at place: String = ""
    ) throws(BadValue) -> ManifestValue {
        switch (self, value) {
        case (.text(let rule), .text(let text)), (.scalar(let rule), .text(let text)):
            return .text(try rule.check(text, place))
        case (.scalar(let rule), .integer(let number)):
            return .text(try rule.check("\(number)", place))
        case (.scalar(let rule), .odd(let text, "a number")):
            return .text(try rule.check(text, place))
        case (.integer(let range), .integer(let number)) where range.contains(number):
            return .integer(number)
        case (.list(let rule, let least), .list(let values)):
            return .list(try Self.elements(values, rule, least, place))
        case (.map(let names, let texts), .map(let pairs)):
            return .fields(try Self.pairs(pairs, names, texts, place))
        case (.fields(let fields), .map(let pairs)):
            return .fields(try Self.object(pairs, fields, place))
        case (.checked(let rule, let problem), _):
            let checked = try rule.check(value, at: place)
            if let bad = problem(checked) { throw bad.at(place) }
            return checked
        default:
            throw mismatch(value, place)
        }
    }

    private static func elements(
        _ values: [YAMLValue],
        _ rule: FieldRule,
        _ least: Int,
        _ place: String
    ) throws(BadValue) -> [ManifestValue] {
        guard (least...most).contains(values.count) else {
            throw BadValue(
                why: "there are \(values.count) of them",
                remedy: "Write \(least) to \(most)."
            )
            .at(place)
        }
        var checked: [ManifestValue] = []
        for (index, value) in values.enumerated() {
            checked.append(try rule.check(value, at: "\(place)[\(index)]"))
        }
        return checked
    }

    private static func pairs(
        _ pairs: [YAMLValue.Pair],
        _ names: TextRule,
        _ texts: TextRule,
        _ place: String
    ) throws(BadValue) -> [String: ManifestValue] {
        guard pairs.count <= most else {
            throw BadValue(
                why: "there are \(pairs.count) of them",
                remedy: "Write at most \(most)."
            )
            .at(place)
        }
        var checked: [String: ManifestValue] = [:]
        for pair in pairs {
            let name = try names.check(pair.name, place)
            checked[name] = try FieldRule.text(texts).check(pair.value, at: place.field(name))
        }
        return checked
    }

    private static func object(
        _ pairs: [YAMLValue.Pair],
        _ fields: [Field],
        _ place: String
    ) throws(BadValue) -> [String: ManifestValue] {
        let names = fields.map(\.name)
        var checked: [String: ManifestValue] = [:]
        for pair in pairs {
            guard let field = fields.first(where: { $0.name.utf8.elementsEqual(pair.name.utf8) })
            else {
                let near = EditDistance.nearest(to: pair.name, in: names)
                throw BadValue(
                    why: "the field \(ConfigValues.shown(pair.name)) cannot be set"
                        + (near.map { "; did you mean \($0)?" } ?? ""),
                    remedy: "Write one of \(names.joined(separator: ", "))."
                )
                .at(place)
            }
            checked[field.name] = try field.rule.check(pair.value, at: place.field(field.name))
        }
        for field in fields where field.isRequired && checked[field.name] == nil {
            throw BadValue(why: "\(field.name) is missing", remedy: "Write it.").at(place)
        }
        return checked
    }

    private func mismatch(
        _ value: YAMLValue,
        _ place: String
    ) -> BadValue {
        switch (self, value) {
        case (.text, .integer(let number)):
            Self.unquoted("\(number)", "a number").at(place)
        case (.text, .odd(let text, let what)) where !text.isEmpty:
            Self.unquoted(text, what).at(place)
        default:
            BadValue(why: "it is \(value.kind)", remedy: "Write \(expected).").at(place)
        }
    }

    private static func unquoted(
        _ text: String,
        _ what: String
    ) -> BadValue {
        let shown = ConfigValues.shown(text)
        return BadValue(
            why: "\(shown) without quotes is \(what) to YAML",
            remedy: "Write \"\(shown)\", with quotes, if it is meant."
        )
    }

    private var expected: String {
        switch self {
        case .text(let rule), .scalar(let rule): rule.expected
        case .integer(let range):
            "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .list: "a list"
        case .map: "names, each with a colon and a text"
        case .fields(let fields): "fields of \(fields.map(\.name).joined(separator: ", "))"
        case .checked(let rule, _): rule.expected
        }
    }
}

/// What a text may be.
struct TextRule: Sendable {
    /// As a message says it: "a label's key".
    let expected: String
    /// The words that are allowed, where they are few.
    let words: [String]
    private let isValid: @Sendable ([UInt8]) -> Bool

    init(
        _ expected: String,
        isValid: @escaping @Sendable ([UInt8]) -> Bool
    ) {
        self.expected = expected
        self.isValid = isValid
        words = []
    }

    init(words: [String]) {
        expected = words.count == 1 ? words[0] : "one of " + words.joined(separator: ", ")
        self.words = words
        isValid = { bytes in words.contains { $0.utf8.elementsEqual(bytes) } }
    }

    fileprivate func check(
        _ text: String,
        _ place: String
    ) throws(BadValue) -> String {
        if isValid(Array(text.utf8)) { return text }
        let near = EditDistance.nearest(to: text, in: words)
        throw BadValue(
            why: "\"\(ConfigValues.shown(text))\" is not allowed"
                + (near.map { "; did you mean \($0)?" } ?? ""),
            remedy: "Write \(expected)."
        )
        .at(place)
    }
}

extension BadValue {
    /// The same, with the place inside a value.
    func at(_ place: String) -> BadValue {
        place.isEmpty ? self : BadValue(why: "\(place): \(why)", remedy: remedy)
    }
}

extension String {
    /// A field below this place.
    fileprivate func field(_ name: String) -> String {
        isEmpty ? ConfigValues.shown(name) : "\(self).\(ConfigValues.shown(name))"
    }
}
