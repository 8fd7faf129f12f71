// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// The key of an object in a bucket: bytes, 1 to 1,024 of them.
///
/// S3 says UTF-8 (Amazon S3 user guide, "Object key names"); keys are compared, sorted and
/// percent-encoded by byte all the same, because Swift's text comparison makes two keys one.
package struct ObjectKey: ByteNamed, Hashable, Sendable {
    /// The longest key S3 takes, in bytes.
    package static let longest = 1024

    package let bytes: [UInt8]

    /// Takes the key with these bytes.
    package init(_ bytes: some Sequence<UInt8>) throws(NameError) {
        let bytes = Array(bytes)
        guard !bytes.isEmpty else { throw NameError.key(bytes, "it is empty") }
        guard bytes.count <= Self.longest else {
            throw NameError.key(bytes, "it has \(bytes.count) bytes, S3 takes \(Self.longest)")
        }
        guard !bytes.contains(0) else { throw NameError.key(bytes, "it holds a NUL") }
        self.bytes = bytes
    }

    /// Takes the key that `text` spells in UTF-8.
    package init(_ text: String) throws(NameError) { try self.init(text.utf8) }

    /// Whether the key begins with these bytes.
    package func hasPrefix(_ prefix: some Sequence<UInt8>) -> Bool { bytes.starts(with: prefix) }

    /// This key for a message or a log.
    package var logSafe: String { bytes.logSafe }
}

extension ObjectKey: Comparable {
    /// Orders by bytes, as S3 lists.
    package static func < (a: ObjectKey, b: ObjectKey) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

extension ObjectKey: CustomStringConvertible {
    package var description: String { logSafe }
}
