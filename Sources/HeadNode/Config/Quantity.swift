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
        func refuse(_ why: String) -> BadValue {
            BadValue(
                why: "\"\(ConfigValues.shown(text))\" \(why)",
                remedy: "Write \(expected)."
            )
        }
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard whole.count + fraction.count > 0 else { throw refuse("is not a size") }
        let suffix = String(decoding: rest, as: UTF8.self)
        guard let (base, power) = scale(suffix) else {
            throw refuse("is not a size: \(hint(suffix))")
        }
        guard !isNegative else { throw refuse("is negative") }
        guard whole.count + fraction.count <= 20, abs(power) <= 60 else {
            throw refuse("is too long")
        }
        guard let value = exact(whole + fraction, places: fraction.count, base: base, power: power)
        else { throw refuse("is not a whole number of bytes, or too many") }
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
    private static func scale(_ suffix: String) -> (base: UInt128, power: Int)? {
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

    private static func exact(
        _ digits: ArraySlice<UInt8>,
        places: Int,
        base: UInt128,
        power: Int
    ) -> Int64? {
        // At most 20 digits: the first value is below 10^20, far from the end of UInt128.
        var value = digits.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - UInt8(ascii: "0")) }
        if value == 0 { return 0 }
        var divisions = places
        if power < 0 { divisions -= power }
        for _ in 0..<max(0, power) {
            let (product, overflow) = value.multipliedReportingOverflow(by: base)
            guard !overflow else { return nil }
            value = product
        }
        for _ in 0..<divisions {
            guard value % 10 == 0 else { return nil }
            value /= 10
        }
        return Int64(exactly: value)
    }

    private static func hint(_ suffix: String) -> String {
        let shown = ConfigValues.shown(suffix)
        switch suffix {
        case "K": return "thousands are a small k, Ki is 1024"
        case "KB", "kB": return "a thousand bytes are 1k, 1024 are 1Ki"
        case "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB":
            return "without the B it is, \(suffix.dropLast())"
        default: return "\"\(shown)\" is no unit"
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
