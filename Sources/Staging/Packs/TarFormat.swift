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

    /// The sum of a header's bytes, those of the sum itself taken for spaces.
    static func sum(of block: [UInt8]) -> Int64 {
        let bytes = block.withUnsafeBytes { sum($0) }
        let field = block[148..<156].withUnsafeBytes { sum($0) }
        return Int64(bytes - field) + 8 * Int64(UInt8(ascii: " "))
    }

    /// In a form that several bytes can be added at a time.
    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        bytes.reduce(0) { $0 &+ UInt32($1) }
    }

    /// Whether all of these bytes are zero.
    static func isZero(_ block: ArraySlice<UInt8>) -> Bool {
        block.withUnsafeBytes { $0.reduce(0) { $0 | $1 } } == 0
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
