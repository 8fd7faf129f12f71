// SPDX-License-Identifier: Apache-2.0

import Names

/// A finished SHA-256 (FIPS 180-4): 32 bytes, written as 64 lower-case hexadecimal digits.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let bytes: [UInt8]

    /// Takes 32 bytes; nil for any other number.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }
}
