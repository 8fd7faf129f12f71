// SPDX-License-Identifier: Apache-2.0

import CDigests
import Names

/// The checksum S3 calls CRC64NVME, of a whole object or of one piece of it.
///
/// Pieces hashed apart, in any order, combine to the checksum of the whole, so parts and ranges
/// need no second pass. It protects against accidents, not against forgers.
package struct CRC64NVME: Hashable, Sendable {
    /// The finished checksum of all bytes so far; 0 for none.
    package private(set) var value: UInt64

    /// The checksum of no bytes.
    package init() { value = 0 }

    /// A checksum calculated elsewhere.
    package init(value: UInt64) { self.value = value }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        value = cdigests_crc64nvme(value, base, bytes.count)
    }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }
}
