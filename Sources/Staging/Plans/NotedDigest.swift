// SPDX-License-Identifier: Apache-2.0

import Digests
import S3Client

extension ObjectInfo {
    /// The object's metadata that holds its CRC64NVME, in hexadecimal digits. It is on what was copied
    /// to Galaxy's own object store, because a store keeps no checksum of what it copies in parts.
    static let digestName = "galaxy-s3-crc64nvme"

    /// The digest that the store keeps, or that was noted when we stored the object.
    var notedDigest: CRC64NVME? {
        checksum ?? metadata[Self.digestName].flatMap { CRC64NVME(hex: $0) }
    }
}
