// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Bytes that a person mostly reads as text: an argument, a value in the environment, the target
/// of a symbolic link. Exact, whatever the encoding.
package struct ByteString: ByteNamed, Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    package init(_ text: String) { bytes = Array(text.utf8) }

    /// These bytes for a message or a log.
    package var logSafe: String { bytes.logSafe }
}

extension ByteString: Codable {
    package init(from decoder: any Decoder) throws {
        bytes = try ByteCoding.decode(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}

extension ByteString: CustomStringConvertible {
    package var description: String { logSafe }
}
