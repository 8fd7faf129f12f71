// SPDX-License-Identifier: Apache-2.0

/// Times as administrators write them: `90s`, `1h30m`, `2d`; whole numbers, larger units first.
enum DurationText {
    private static let units: [(letter: UInt8, seconds: Int64)] = [
        (UInt8(ascii: "d"), 86_400), (UInt8(ascii: "h"), 3600), (UInt8(ascii: "m"), 60),
        (UInt8(ascii: "s"), 1),
    ]

    /// The seconds that `text` stands for; nil when it is not a time, a unit included.
    static func seconds(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        var left = units[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(digits.count)
            guard (1...12).contains(digits.count),
                let number = Int64(String(decoding: digits, as: UTF8.self)),
                let letter = rest.first,
                let index = left.firstIndex(where: { $0.letter == letter })
            else { return nil }
            // Twelve digits of days stay below Int64's end.
            total += number * left[index].seconds
            left = left[(index + 1)...]
            rest = rest.dropFirst()
        }
        return total
    }

    /// The shortest text for `seconds` with one unit.
    static func text(_ seconds: Int64) -> String {
        for unit in units where seconds != 0 && seconds % unit.seconds == 0 {
            let letter = Character(Unicode.Scalar(unit.letter))
            return "\(seconds / unit.seconds)\(letter)"
        }
        return "0s"
    }
}
