// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// Many small files in one tar object.
package struct PackEntry: Codable, Sendable, Hashable {
    package var key: ObjectKey
    package var size: Int64
    package var digest: PackDigest
    /// How many members it has, directories not counted.
    package var files: Int
    /// Whether a node's cache may keep it for other jobs; nil for no.
    package var isShared: Bool?

    package init(
        key: ObjectKey,
        size: Int64,
        digest: PackDigest,
        files: Int,
        isShared: Bool? = nil
    ) {
        self.key = key
        self.size = size
        self.digest = digest
        self.files = files
        self.isShared = isShared
    }

    private enum CodingKeys: String, CodingKey {
        case key, size, sha256, crc64nvme, files, isShared
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        key = try fields.decode(ObjectKey.self, forKey: .key)
        size = try fields.decode(Int64.self, forKey: .size)
        files = try fields.decode(Int.self, forKey: .files)
        isShared = try fields.decodeIfPresent(Bool.self, forKey: .isShared)
        let strong = try fields.decodeIfPresent(SHA256Digest.self, forKey: .sha256)
        let quick = try fields.decodeIfPresent(CRC64NVME.self, forKey: .crc64nvme)
        switch (strong, quick) {
        case (let sum?, nil): digest = .sha256(sum)
        case (nil, let sum?): digest = .crc64nvme(sum)
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .sha256,
                in: fields,
                debugDescription: "a pack has either sha256 or crc64nvme"
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(key, forKey: .key)
        try fields.encode(size, forKey: .size)
        try fields.encode(files, forKey: .files)
        try fields.encodeIfPresent(isShared, forKey: .isShared)
        switch digest {
        case .sha256(let sum): try fields.encode(sum, forKey: .sha256)
        case .crc64nvme(let sum): try fields.encode(sum, forKey: .crc64nvme)
        }
    }
}
