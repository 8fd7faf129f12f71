// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// The tar format, as much of it as packs use: POSIX pax interchange (IEEE Std 1003.1-2017, pax),
/// regular files only. GNU tar and bsdtar read what we write.
enum TarFormat {
    static let blockSize = 512
    /// Two zero blocks end an archive.
    static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// How many bytes of padding follow `size` bytes of contents.
    static func padding(after size: Int64) -> Int {
        Int((Int64(blockSize) - size % Int64(blockSize)) % Int64(blockSize))
    }

    /// Reads the time of an extended header: what we write, and what other writers do with fewer digits.
    static func time(pax text: [UInt8]) -> FileTime? {
        let negative = text.first == UInt8(ascii: "-")
        let parts = text.dropFirst(negative ? 1 : 0)
            .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = decimal(parts[0]) else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            let nine = Array(parts[1].prefix(9))
            guard let value = decimal(nine) else { return nil }
            nanoseconds = (0..<(9 - nine.count)).reduce(value) { sum, _ in sum * 10 }
        }
        if !negative { return FileTime(seconds: whole, nanoseconds: Int32(nanoseconds)) }
        return nanoseconds == 0
            ? FileTime(seconds: -whole)
            : FileTime(seconds: -whole - 1, nanoseconds: Int32(1_000_000_000 - nanoseconds))
    }

    /// A number of 1 to 18 decimal digits.
    static func decimal(_ digits: some Collection<UInt8>) -> Int64? {
        guard (1...18).contains(digits.count) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
