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

    /// The blocks before a file's contents: an extended header where the plain one cannot say it
    /// all, then the plain one.
    static func header(
        name: RelativePath,
        size: Int64,
        mode: FileMode,
        modified: FileTime
    ) -> [UInt8] {
        var records: [UInt8] = []
        if name.bytes.count > 100 || name.bytes.contains(where: { $0 >= 0x80 }) {
            // Names are bytes, whatever the standard says of UTF-8; readers are told so.
            records += record("hdrcharset", Array("BINARY".utf8)) + record("path", name.bytes)
        }
        if size >= 1 << 33 { records += record("size", Array(String(size).utf8)) }
        if modified.nanoseconds != 0 || !(0..<(1 << 33)).contains(modified.seconds) {
            records += record("mtime", paxTime(modified))
        }
        var blocks: [UInt8] = []
        if !records.isEmpty {
            blocks += block(
                name: Array("pax".utf8),
                size: Int64(records.count),
                mode: FileMode(0o644),
                seconds: 0,
                type: UInt8(ascii: "x")
            )
            blocks += records
            blocks += [UInt8](repeating: 0, count: padding(after: Int64(records.count)))
        }
        let plainName = name.bytes.count > 100 ? Array(name.bytes.prefix(100)) : name.bytes
        blocks += block(
            name: plainName,
            size: size < 1 << 33 ? size : 0,
            mode: mode,
            seconds: min(max(modified.seconds, 0), (1 << 33) - 1),
            type: UInt8(ascii: "0")
        )
        return blocks
    }

    /// One extended header record: its own length in decimal, a space, `key=value`, a newline.
    private static func record(
        _ key: String,
        _ value: [UInt8]
    ) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [UInt8(ascii: "\n")]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length {
            length = String(length).utf8.count + rest.count
        }
        return Array(String(length).utf8) + rest
    }

    /// `seconds.fraction`; before 1970 the fraction counts away from zero, as decimals do.
    private static func paxTime(_ time: FileTime) -> [UInt8] {
        guard time.seconds < 0, time.nanoseconds > 0 else { return Array(time.description.utf8) }
        let whole = -(time.seconds + 1)
        let digits = String(1_000_000_000 - time.nanoseconds)
        let zeros = String(repeating: "0", count: 9 - digits.utf8.count)
        return Array("-\(whole).\(zeros)\(digits)".utf8)
    }

    /// Reads what `paxTime` writes, and what other writers write with fewer digits.
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

    private static func block(
        name: [UInt8],
        size: Int64,
        mode: FileMode,
        seconds: Int64,
        type: UInt8
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockSize)
        func put(_ bytes: [UInt8], at offset: Int) {
            block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
        put(name, at: 0)
        put(octal(Int64(mode.bits), digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(seconds, digits: 11), at: 136)
        block[156] = type
        put(Array("ustar\u{0}00".utf8), at: 257)
        put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
        let sum = block.reduce(Int64(0)) { $0 + Int64($1) }
        put(octal(sum, digits: 6) + [0], at: 148)
        return block
    }

    private static func octal(
        _ value: Int64,
        digits: Int
    ) -> [UInt8] {
        let text = Array(String(value, radix: 8).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: digits - text.count) + text
    }
}
