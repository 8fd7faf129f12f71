// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What stands before a file's contents in a pack: an extended header where the plain one cannot say it all,
/// then the plain one (POSIX pax interchange, IEEE Std 1003.1-2017).
struct TarHeader {
    private let name: RelativePath
    private let size: Int64
    private let mode: FileMode
    private let modified: FileTime
    /// The contents of the extended header; none where there is none.
    private let records: [UInt8]

    init(
        name: RelativePath,
        size: Int64,
        mode: FileMode,
        modified: FileTime
    ) {
        self.name = name
        self.size = size
        self.mode = mode
        self.modified = modified
        var records: [UInt8] = []
        if name.bytes.count > 100 || name.bytes.contains(where: { $0 >= 0x80 }) {
            // Names are bytes, whatever the standard says of UTF-8; readers are told so.
            records += Self.record("hdrcharset", Array("BINARY".utf8))
            records += Self.record("path", name.bytes)
        }
        if size >= 1 << 33 { records += Self.record("size", Array(String(size).utf8)) }
        if modified.nanoseconds != 0 || !(0..<(1 << 33)).contains(modified.seconds) {
            records += Self.record("mtime", Self.paxTime(modified))
        }
        self.records = records
    }

    /// How many bytes `blocks` gives.
    var length: Int {
        let extended =
            TarFormat.blockSize + records.count + TarFormat.padding(after: Int64(records.count))
        return TarFormat.blockSize + (records.isEmpty ? 0 : extended)
    }

    func blocks() -> [UInt8] {
        var blocks: [UInt8] = []
        blocks.reserveCapacity(length)
        if !records.isEmpty {
            blocks += Self.block(
                name: Array("pax".utf8),
                size: Int64(records.count),
                mode: FileMode(0o644),
                seconds: 0,
                type: UInt8(ascii: "x")
            )
            blocks += records
            blocks += [UInt8](repeating: 0, count: TarFormat.padding(after: Int64(records.count)))
        }
        let plainName = name.bytes.count > 100 ? Array(name.bytes.prefix(100)) : name.bytes
        blocks += Self.block(
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

    private static func block(
        name: [UInt8],
        size: Int64,
        mode: FileMode,
        seconds: Int64,
        type: UInt8
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarFormat.blockSize)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in zip(offset..., bytes) { block[index] = byte }
        }
        func put(octal value: Int64, digits: Int, at offset: Int) {
            var rest = value
            for index in (offset..<(offset + digits)).reversed() {
                block[index] = UInt8(ascii: "0") + UInt8(rest & 7)
                rest >>= 3
            }
        }
        put(name, at: 0)
        put(octal: Int64(mode.bits), digits: 7, at: 100)
        put(octal: 0, digits: 7, at: 108)
        put(octal: 0, digits: 7, at: 116)
        put(octal: size, digits: 11, at: 124)
        put(octal: seconds, digits: 11, at: 136)
        block[156] = type
        put("ustar\u{0}00".utf8, at: 257)
        put(octal: TarFormat.sum(of: block), digits: 6, at: 148)
        block[155] = UInt8(ascii: " ")
        return block
    }
}
