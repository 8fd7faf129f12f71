// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Cuts a stream of bytes into lines. Holds one line at most.
struct LineSplitter: Sendable {
    private let limit: Int
    private var pending: [UInt8] = []
    /// Whether a line was longer than the limit.
    private(set) var hasCut = false

    /// - Parameter limit: bytes of a line that are kept; the rest of it is dropped.
    init(limit: Int) { self.limit = limit }

    /// Takes the next bytes, and gives each line that they end, without its line end.
    mutating func take(_ bytes: UnsafeRawBufferPointer, each: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            // SAFETY: memchr looks at the bytes of `rest`, which the caller lends us, and no others.
            guard let found = memchr(start, Int32(UInt8(ascii: "\n")), rest.count) else {
                keep(rest)
                return
            }
            let length = UnsafeRawPointer(found) - start
            keep(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            each(pending[...])
            pending.removeAll(keepingCapacity: pending.count < 64 << 10)
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        }
    }

    /// Gives what came after the last line end, if anything did.
    mutating func finish(each: (ArraySlice<UInt8>) -> Void) {
        if !pending.isEmpty { each(pending[...]) }
        pending = []
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        let room = limit - pending.count
        pending += bytes.prefix(room)
        if bytes.count > room { hasCut = true }
    }
}
