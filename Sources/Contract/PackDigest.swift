// SPDX-License-Identifier: Apache-2.0

import Digests

/// What the bytes of a pack come to.
package enum PackDigest: Hashable, Sendable {
    /// Of what a worker unpacks, the job's script among it: nobody who can write to the bucket can put
    /// other bytes in its place.
    case sha256(SHA256Digest)
    /// Of results, like that of every single one: it protects against accidents. Whoever could put other
    /// bytes in its place could write the report that names them.
    case crc64nvme(CRC64NVME)

    /// Which of them.
    package enum Kind: Sendable {
        case sha256, crc64nvme
    }

    package var kind: Kind {
        switch self {
        case .sha256: .sha256
        case .crc64nvme: .crc64nvme
        }
    }
}

extension PackDigest: CustomStringConvertible {
    /// For messages: `SHA-256 …` or `CRC64NVME …`.
    package var description: String {
        switch self {
        case .sha256(let sum): "SHA-256 \(sum)"
        case .crc64nvme(let sum): "CRC64NVME \(sum)"
        }
    }
}

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
