// SPDX-License-Identifier: Apache-2.0

/// A moment in UTC to the second, read and written in the three forms that S3 and STS use.
package struct Timestamp: Hashable, Sendable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package let seconds: Int64

    package init(seconds: Int64) { self.seconds = seconds }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.seconds < b.seconds }

    /// `20130524T000000Z`, for `x-amz-date`.
    package var stamp: String {
        let time = Int(seconds - dayNumber * 86_400)
        return day + "T" + Self.padded(time / 3600, 2) + Self.padded(time / 60 % 60, 2)
            + Self.padded(time % 60, 2) + "Z"
    }

    /// `20130524`, for the scope of a signature.
    package var day: String {
        let (year, month, day) = Self.civil(from: dayNumber)
        return Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2)
    }

    /// `2013-05-24T00:00:00Z`, for people.
    package var text: String {
        let stamp = Array(stamp.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: stamp[range], as: UTF8.self) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T"
            + "\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z"
    }

    /// Reads a `Date` header (RFC 9110, section 5.6.7: `Wed, 21 Oct 2015 07:28:00 GMT`).
    package init?(httpDate text: String) {
        let words = text.utf8.split(separator: UInt8(ascii: " "))
        guard words.count == 6, words[5].elementsEqual("GMT".utf8),
            let day = Self.number(words[1]),
            let month = Self.months.firstIndex(where: { words[2].elementsEqual($0.utf8) }),
            let year = Self.number(words[3])
        else { return nil }
        let time = words[4].split(separator: UInt8(ascii: ":")).map(Self.number)
        guard time.count == 3, let hour = time[0], let minute = time[1], let second = time[2]
        else { return nil }
        self.init(year, month + 1, day, hour, minute, second)
    }

    /// Reads `2013-05-24T00:00:00.000Z` (ISO 8601 in UTC; any or no fraction), as listings and STS
    /// write it.
    package init?(iso8601 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"),
            bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":")
        else { return nil }
        let fraction = bytes[19..<(bytes.count - 1)]
        if let point = fraction.first {
            guard point == UInt8(ascii: "."), Self.number(fraction.dropFirst()) != nil
            else { return nil }
        }
        guard let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10]), let hour = Self.number(bytes[11..<13]),
            let minute = Self.number(bytes[14..<16]), let second = Self.number(bytes[17..<19])
        else { return nil }
        self.init(year, month, day, hour, minute, second)
    }

    private init?(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int)
    {
        guard (1601...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        let days = Self.days(toYear: year, month: month, day: day)
        seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    private var dayNumber: Int64 {
        seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...9).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years are counted from March, so that the
    /// leap day comes last.
    private static func days(toYear year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    private static func civil(from days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
