// SPDX-License-Identifier: Apache-2.0

/// Figures in Prometheus' text format, version 0.0.4. A pure value.
struct MetricsText: Sendable {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One name, what it means, and its values.
    struct Family: Sendable {
        enum Kind: String, Sendable {
            case counter
            case gauge
            case histogram
        }

        let name: String
        let kind: Kind
        let help: String
        var samples: [Sample]
    }

    /// One value.
    struct Sample: Sendable {
        /// Added to the family's name: `_bucket`, `_sum`, `_count` of a histogram, else nothing.
        var suffix = ""
        var labels: [Label]
        var value: Double
    }

    /// A dimension of a family, and a value in it.
    struct Label: Sendable, Hashable {
        var name: String
        var value: String

        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    private(set) var families: [Family] = []

    /// Adds a family; one without values is left out.
    mutating func add(
        _ name: String,
        _ kind: Family.Kind,
        _ help: String,
        _ samples: [Sample]
    ) {
        guard !samples.isEmpty else { return }
        families.append(Family(name: name, kind: kind, help: help, samples: samples))
    }

    /// Adds a family with one value and no labels.
    mutating func add(
        _ name: String,
        _ kind: Family.Kind,
        _ help: String,
        _ value: some BinaryInteger
    ) {
        add(name, kind, help, [Sample(labels: [], value: Double(value))])
    }

    /// The page.
    var text: String {
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                text +=
                    family.name + sample.suffix + Self.braces(sample.labels)
                    + " \(Self.number(sample.value))\n"
            }
        }
        return text
    }

    private static func braces(_ labels: [Label]) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// Backslash and line feed, and quotes in the value of a label.
    private static func escaped(
        _ text: String,
        quotes: Bool
    ) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\"") where quotes: bytes += "\\\"".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A whole number without a point.
    static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
