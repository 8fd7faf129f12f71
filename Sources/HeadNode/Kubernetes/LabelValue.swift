// SPDX-License-Identifier: Apache-2.0

import Digests

/// The value of a label: at most 63 letters, digits, `-`, `_` and `.`, the first and the last a
/// letter or digit (Kubernetes, "Labels and Selectors").
///
/// A text that is one already stays as it is. Any other is made one, and ends in `.h` and 10
/// hexadecimal digits of its SHA-256, so that two texts do not become one label. A text that ends
/// so by itself is treated like any other that cannot stay.
struct LabelValue: Hashable, Sendable, CustomStringConvertible {
    static let longest = 63
    private static let mark = Array(".h".utf8)
    private static let digits = 10

    let description: String

    init(_ text: String) {
        let bytes = Array(text.utf8)
        if Self.isValid(bytes), !Self.looksHashed(bytes) {
            description = text
            return
        }
        var kept = bytes.map { Self.isInner($0) ? $0 : UInt8(ascii: "_") }[...]
        kept = kept.drop { !Self.isOuter($0) }
            .prefix(Self.longest - Self.mark.count - Self.digits)
        if kept.isEmpty { kept = Array("x".utf8)[...] }
        let digest = SHA256Digest(of: bytes).hex.utf8.prefix(Self.digits)
        description = String(decoding: kept + Self.mark + digest, as: UTF8.self)
    }

    /// Whether these bytes may be a label's value. No value at all is one.
    static func isValid(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= longest && isOuter(first) && isOuter(last)
            && bytes.allSatisfy(isInner)
    }

    private static func looksHashed(_ bytes: [UInt8]) -> Bool {
        let end = bytes.suffix(mark.count + digits)
        return end.starts(with: mark)
            && end.dropFirst(mark.count)
                .allSatisfy {
                    ASCII.isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                }
    }

    private static func isOuter(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte)
    }

    private static func isInner(_ byte: UInt8) -> Bool {
        isOuter(byte) || "-_.".utf8.contains(byte)
    }
}
