// SPDX-License-Identifier: Apache-2.0

/// A file's permission bits, at most 0777: setuid, setgid and sticky never travel.
package struct FileMode: Hashable, Sendable, CustomStringConvertible {
    package let bits: UInt32

    /// Keeps the permission bits of a `st_mode` and drops all others.
    package init(_ mode: UInt32) { bits = mode & 0o777 }

    /// Three octal digits, such as `644`.
    package var description: String {
        let text = String(bits, radix: 8)
        return String(repeating: "0", count: 3 - text.utf8.count) + text
    }
}

/// A file's time of last change: whole seconds since 1970, negative before, and nanoseconds.
package struct FileTime: Hashable, Sendable, CustomStringConvertible {
    package let seconds: Int64
    /// 0 to 999,999,999, counted forwards from `seconds`.
    package let nanoseconds: Int32

    /// - Precondition: `nanoseconds` is below a thousand million and not negative.
    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        precondition((0..<1_000_000_000).contains(nanoseconds), "nanoseconds out of range")
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// `<seconds>.<nine digits>`.
    package var description: String {
        let digits = String(nanoseconds)
        return "\(seconds)." + String(repeating: "0", count: 9 - digits.utf8.count) + digits
    }

    /// Reads what `description` writes; nil for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 9, parts[1].allSatisfy(Grammar.isDigit),
            let seconds = Int64(String(decoding: parts[0], as: UTF8.self)),
            let nanoseconds = Int32(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }
}
