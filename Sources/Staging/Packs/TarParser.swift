// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names

/// One regular file of an archive, as its headers describe it.
struct TarMember: Sendable, Equatable {
    var name: RelativePath
    var size: Int64
    var mode: FileMode
    var modified: FileTime
}

/// Takes an archive apart while it arrives, in pieces of any size.
///
/// It knows regular files and extended headers, which is all that packs hold; any other kind of
/// member, a name that leaves the tree, a wrong checksum or a cut archive is an error.
struct TarParser {
    /// What was found at the front of the bytes given.
    enum Event: Equatable {
        case begin(TarMember)
        /// The next bytes of the current member: this many from the front of what was given.
        case contents(Int)
        case endOfMember
        /// The two zero blocks; nothing may follow but zeros.
        case endOfArchive
    }

    private enum State {
        case header
        case extended(Int64)
        case contents(Int64, padding: Int)
        case padding(Int)
        case finished
    }

    private var state = State.header
    /// A block, or an extended header, that has not come whole yet.
    private var pending: [UInt8] = []
    private var overrides: [String: [UInt8]] = [:]
    private var zeroBlocks = 0

    /// Extended headers hold a path and a few numbers; more is no pack of ours.
    private static let largestExtendedHeader: Int64 = 64 << 10

    /// Whether the archive's end has come.
    var isFinished: Bool { if case .finished = state { true } else { false } }

    /// Consumes bytes from the front of `input` up to the next event; nil when it wants more.
    mutating func next(_ input: inout UnsafeRawBufferPointer) throws(StagingError) -> Event? {
        while true {
            switch state {
            case .header:
                guard take(Self.block, from: &input) else { return nil }
                let block = pending
                pending = []
                if let event = try readHeader(block) { return event }
            case .extended(let size):
                let padded = Int(size) + TarFormat.padding(after: size)
                guard take(padded, from: &input) else { return nil }
                overrides = try Self.records(pending[..<Int(size)])
                pending = []
                state = .header
            case .contents(0, let padding):
                state = .padding(padding)
                return .endOfMember
            case .contents(let left, let padding):
                guard !input.isEmpty else { return nil }
                let count = Int(min(left, Int64(input.count)))
                state = .contents(left - Int64(count), padding: padding)
                return .contents(count)
            case .padding(let left):
                let count = min(left, input.count)
                input = UnsafeRawBufferPointer(rebasing: input[count...])
                state = count == left ? .header : .padding(left - count)
                if count < left { return nil }
            case .finished:
                guard input.allSatisfy({ $0 == 0 }) else { throw Self.bad("bytes after its end") }
                input = UnsafeRawBufferPointer(rebasing: input[input.count...])
                return nil
            }
        }
    }

    private static let block = TarFormat.blockSize

    /// Moves bytes from `input` to `pending` until it holds `wanted`.
    private mutating func take(
        _ wanted: Int,
        from input: inout UnsafeRawBufferPointer
    ) -> Bool {
        let count = min(wanted - pending.count, input.count)
        pending += input[..<count]
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return pending.count == wanted
    }

    private mutating func readHeader(_ block: [UInt8]) throws(StagingError) -> Event? {
        if TarFormat.isZero(block[...]) {
            zeroBlocks += 1
            guard zeroBlocks == 2 else { return nil }
            state = .finished
            return .endOfArchive
        }
        guard zeroBlocks == 0 else { throw Self.bad("a lone zero block") }
        try Self.verifyChecksum(block)
        let size = try Self.octal(block[124..<136])
        switch block[156] {
        case UInt8(ascii: "x"):
            guard (1...Self.largestExtendedHeader).contains(size) else {
                throw Self.bad("an extended header of \(size) bytes")
            }
            state = .extended(size)
            return nil
        case UInt8(ascii: "0"), 0:
            let member = try member(block, size: size)
            overrides = [:]
            state = .contents(member.size, padding: TarFormat.padding(after: member.size))
            return .begin(member)
        default:
            throw Self.bad("a member of type \([block[156]].logSafe)")
        }
    }

    private func member(
        _ block: [UInt8],
        size: Int64
    ) throws(StagingError) -> TarMember {
        // Names split in two are for writers without extended headers.
        guard TarFormat.isZero(block[345..<500]) else { throw Self.bad("a split name") }
        let name = overrides["path"] ?? Array(block[0..<100].prefix { $0 != 0 })
        var member = TarMember(
            name: try Self.name(name),
            size: size,
            mode: FileMode(UInt32(truncatingIfNeeded: try Self.octal(block[100..<108]))),
            modified: FileTime(seconds: try Self.octal(block[136..<148]))
        )
        if let text = overrides["size"] {
            guard let size = TarFormat.decimal(text) else { throw Self.bad("a bad size") }
            member.size = size
        }
        if let text = overrides["mtime"] {
            guard let time = TarFormat.time(pax: text) else { throw Self.bad("a bad mtime") }
            member.modified = time
        }
        return member
    }

    private static func name(_ bytes: [UInt8]) throws(StagingError) -> RelativePath {
        try naming { () throws(NameError) in try RelativePath(bytes) }
    }

    private static func verifyChecksum(_ block: [UInt8]) throws(StagingError) {
        guard try octal(block[148..<156]) == TarFormat.sum(of: block) else {
            throw bad("a header with a wrong sum")
        }
    }

    /// An octal number, ended by a NUL or a space.
    private static func octal(_ field: ArraySlice<UInt8>) throws(StagingError) -> Int64 {
        let digits = field.drop { $0 == UInt8(ascii: " ") }
            .prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else {
                throw bad("a number that is not octal")
            }
            value = value << 3 | Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    /// The records of an extended header: `<length> <key>=<value>\n`.
    private static func records(
        _ bytes: ArraySlice<UInt8>
    ) throws(StagingError) -> [String: [UInt8]] {
        var records: [String: [UInt8]] = [:]
        var rest = bytes
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = TarFormat.decimal(rest[..<space]),
                length > 0, length <= rest.count, space - rest.startIndex + 1 < Int(length)
            else { throw bad("an extended header that cannot be read") }
            let end = rest.startIndex + Int(length)
            let record = rest[(space + 1)..<(end - 1)]
            guard rest[end - 1] == UInt8(ascii: "\n"),
                let equals = record.firstIndex(of: UInt8(ascii: "="))
            else { throw bad("an extended header that cannot be read") }
            let key = String(decoding: record[..<equals], as: UTF8.self)
            records[key] = Array(record[(equals + 1)...])
            rest = rest[end...]
        }
        return records
    }

    static func bad(_ why: String) -> StagingError {
        StagingError(.mismatch, what: "The pack is no archive of ours: it holds \(why)")
    }
}
