// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Sizes as Kubernetes writes them (apimachinery, `resource.Quantity`).
///
/// ```
/// quantity = ["+"|"-"] number suffix
/// number   = digits | digits "." digits | digits "." | "." digits
/// suffix   = Ki Mi Gi Ti Pi Ei | n u m "" k M G T P E | ("e"|"E") ["+"|"-"] digits
/// ```
enum Quantity {
    private static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    private static let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]

    /// The bytes that `text` stands for: whole, not negative, at most `Int64.max`.
    static func bytes(_ text: String, expected: String) throws(BadValue) -> Int64 {
        let number = try Number(text, noun: "a size", expected: expected)
        guard let value = number.exact else {
            throw Number.refusal(text, "is not a whole number of bytes, or too many", expected)
        }
        return value
    }

    /// The bytes or, if `inThousandths`, the thousandths of a core that `text` stands for; a
    /// fraction of one is rounded up, as Kubernetes does.
    static func roundedUp(
        _ text: String,
        inThousandths: Bool,
        expected: String
    ) throws(BadValue) -> Int64 {
        let noun = inThousandths ? "a number of cores" : "a size"
        let number = try Number(text, noun: noun, expected: expected)
        guard let value = number.roundedUp(times: inThousandths ? 1000 : 1) else {
            throw Number.refusal(text, "is too much", expected)
        }
        return value
    }

    /// The shortest exact text for `bytes`.
    static func text(_ bytes: Int64) -> String {
        for (index, suffix) in binary.enumerated().reversed() {
            let unit = Int64(1) << (10 * Int64(index + 1))
            if bytes >= unit, bytes % unit == 0 { return "\(bytes / unit)\(suffix)" }
        }
        return "\(bytes)"
    }

    /// CPU, in thousandths of a core, as Kubernetes writes it: `500m`, `2`.
    static func cores(_ thousandths: Int64) -> String {
        thousandths % 1000 == 0 ? "\(thousandths / 1000)" : "\(thousandths)m"
    }

    /// A suffix as base and power; nil when it is none.
    fileprivate static func scale(_ suffix: String) -> (base: UInt128, power: Int)? {
        if let index = binary.firstIndex(of: suffix) { return (1024, index + 1) }
        if let index = decimal.firstIndex(of: suffix) { return (10, 3 * (index - 3)) }
        let bytes = Array(suffix.utf8)
        guard let letter = bytes.first, letter | 0x20 == UInt8(ascii: "e") else { return nil }
        var digits = bytes.dropFirst()
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.allSatisfy(isDigit), digits.count <= 6,
            let power = Int(String(decoding: digits, as: UTF8.self))
        else { return nil }
        return (10, isNegative ? -power : power)
    }

    fileprivate static func hint(_ suffix: String) -> String {
        let shown = ConfigValues.shown(suffix)
        switch suffix {
        case "K": return "thousands are a small k, Ki is 1024"
        case "KB", "kB": return "a thousand bytes are 1k, 1024 are 1Ki"
        case "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB":
            return "without the B it is, \(suffix.dropLast())"
        default: return "\"\(shown)\" is no unit"
        }
    }

    fileprivate static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// A quantity taken apart: digits, `places` of them after the point, times `base` to the `power`.
private struct Number {
    private let digits: ArraySlice<UInt8>
    private let places: Int
    private let base: UInt128
    private let power: Int

    /// - Parameter noun: what it ought to be, for messages.
    init(_ text: String, noun: String, expected: String) throws(BadValue) {
        func refuse(_ why: String) -> BadValue { Self.refusal(text, why, expected) }
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: Quantity.isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: Quantity.isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard whole.count + fraction.count > 0 else { throw refuse("is not \(noun)") }
        let suffix = String(decoding: rest, as: UTF8.self)
        guard let (base, power) = Quantity.scale(suffix) else {
            throw refuse("is not \(noun): \(Quantity.hint(suffix))")
        }
        guard !isNegative else { throw refuse("is negative") }
        guard whole.count + fraction.count <= 20, abs(power) <= 60 else {
            throw refuse("is too long")
        }
        digits = whole + fraction
        places = fraction.count
        self.base = base
        self.power = power
    }

    /// The value if it is whole.
    var exact: Int64? {
        guard let (value, divisor) = fraction(times: 1), value % divisor == 0 else { return nil }
        return Int64(exactly: value / divisor)
    }

    /// The value times `factor`, rounded up.
    func roundedUp(times factor: UInt128) -> Int64? {
        guard let (value, divisor) = fraction(times: factor) else { return nil }
        return Int64(exactly: value / divisor + (value % divisor == 0 ? 0 : 1))
    }

    /// The value times `factor` as a fraction; nil where that is more than can be.
    private func fraction(times factor: UInt128) -> (UInt128, UInt128)? {
        // At most 20 digits: the first value is below 10^20, far from the end of UInt128.
        let value = digits.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - UInt8(ascii: "0")) }
        if value == 0 { return (0, 1) }
        guard let product = Self.product(value * factor, base, max(0, power)) else { return nil }
        let divisions = places + max(0, -power)
        // What 10^38 does not divide is less than one, for it is below 2^128.
        return (product, Self.product(1, 10, divisions) ?? UInt128.max)
    }

    private static func product(_ value: UInt128, _ base: UInt128, _ power: Int) -> UInt128? {
        var value = value
        for _ in 0..<power {
            let (product, overflow) = value.multipliedReportingOverflow(by: base)
            guard !overflow else { return nil }
            value = product
        }
        return value
    }

    static func refusal(_ text: String, _ why: String, _ expected: String) -> BadValue {
        BadValue(why: "\"\(ConfigValues.shown(text))\" \(why)", remedy: "Write \(expected).")
    }
}
