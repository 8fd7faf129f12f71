// SPDX-License-Identifier: Apache-2.0

import Digests

/// What the bytes of a pack come to.
package enum PackDigest: Hashable, Sendable {
    /// Of what a worker unpacks: nobody who can write to the bucket can put another pack in its place.
    case sha256(SHA256Digest)
    /// Of results, as each of them has one: it protects against accidents, not against forgers.
    case crc64nvme(CRC64NVME)

    /// Which of them, as the spec asks for it.
    package enum Kind: String, Codable, Sendable {
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
