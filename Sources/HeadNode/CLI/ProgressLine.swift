// SPDX-License-Identifier: Apache-2.0

import Staging

/// How far one phase is, as one line. A pure value.
struct ProgressLine {
    let phase: String
    let reading: PhaseMeter.Reading
    /// Since the phase began.
    let seconds: Double

    /// Phase, bytes, rate, files, and the time that remains at this rate.
    var text: String {
        if phase == "tool" { return "tool      running for \(Int(seconds)) s" }
        let rate = seconds > 0.2 ? Double(reading.bytes) / seconds : 0
        var parts = [
            pad(phase, 8),
            "\(ByteCount.text(reading.bytes)) of \(ByteCount.text(reading.totalBytes))",
            "\(reading.files) of \(reading.totalFiles) files",
        ]
        if rate > 0 { parts.append("\(ByteCount.text(Int64(rate)))/s") }
        let left = rate > 0 ? Double(reading.totalBytes - reading.bytes) / rate : 0
        // At such a rate nobody waits for the end.
        if left > 0, left < 1e9 { parts.append("\(Int(left) + 1) s to go") }
        return parts.joined(separator: "  ")
    }

    private func pad(
        _ text: String,
        _ width: Int
    ) -> String {
        text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }
}

/// Numbers of bytes as people read them.
enum ByteCount {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

    /// Three digits and a binary unit, such as `1.25 GiB`.
    static func text(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let digits = value < 10 ? 2 : value < 100 ? 1 : 0
        return "\(Decimals.text(value, digits)) \(units[unit])"
    }
}

/// Decimal fractions without Foundation's formatter.
enum Decimals {
    /// The largest value whose digits can be counted.
    private static let largest = 1e12

    /// `value` rounded to `digits` digits after the point; what is negative is 0, and a trillion the
    /// most.
    static func text(
        _ value: Double,
        _ digits: Int
    ) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((max(0, min(value, largest)) * Double(scale)).rounded())
        guard digits > 0 else { return String(scaled) }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(scaled / scale).\(zeros)\(fraction)"
    }
}
