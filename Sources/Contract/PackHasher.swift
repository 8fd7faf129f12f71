// SPDX-License-Identifier: Apache-2.0

import Digests

/// The digest of a pack under way.
package struct PackHasher: ~Copyable, Sendable {
    private var sha256: SHA256Hasher?
    private var crc64nvme = CRC64NVME()

    /// Begins with no bytes.
    package init(_ kind: PackDigest.Kind) {
        sha256 = kind == .sha256 ? SHA256Hasher() : nil
    }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if sha256 == nil { crc64nvme.update(bytes) } else { sha256?.update(bytes) }
    }

    /// The digest of all bytes so far; the hasher is used up.
    package consuming func finalize() -> PackDigest {
        if let hasher = sha256.take() { return .sha256(hasher.finalize()) }
        return .crc64nvme(crc64nvme)
    }
}
