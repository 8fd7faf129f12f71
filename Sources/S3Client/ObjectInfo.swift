// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// What a store says of one object.
package struct ObjectInfo: Sendable, Equatable {
    /// Of the whole object, in bytes, also when a range was asked for.
    package var size: Int64
    package var eTag: ETag
    /// Of the whole object; nil where the store keeps none.
    package var checksum: CRC64NVME?
    /// The object's own metadata: names in lower case, without `x-amz-meta-`.
    package var metadata: [String: String]
    /// Seconds since 1970; nil where the store does not say.
    package var lastModified: Int64?

    package init(
        size: Int64,
        eTag: ETag,
        checksum: CRC64NVME? = nil,
        metadata: [String: String] = [:],
        lastModified: Int64? = nil
    ) {
        self.size = size
        self.eTag = eTag
        self.checksum = checksum
        self.metadata = metadata
        self.lastModified = lastModified
    }
}

/// An entity tag: opaque, compared byte by byte, kept with its quotes as the store sent it.
package struct ETag: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

/// A multipart upload's name in the store.
package struct UploadID: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

/// A multipart upload that is under way, or was cut off.
package struct OpenUpload: Hashable, Sendable {
    package let key: ObjectKey
    package let id: UploadID
    /// Seconds since 1970; nil where the store does not say.
    package let begun: Int64?

    package init(key: ObjectKey, id: UploadID, begun: Int64?) {
        self.key = key
        self.id = id
        self.begun = begun
    }
}

/// One part that the store has.
package struct UploadedPart: Hashable, Sendable {
    package let number: Int
    package let eTag: ETag
    /// nil for a part copied server-side.
    package let checksum: CRC64NVME?

    package init(number: Int, eTag: ETag, checksum: CRC64NVME?) {
        self.number = number
        self.eTag = eTag
        self.checksum = checksum
    }
}

/// What a store answers to a put.
package struct PutReceipt: Sendable, Equatable {
    package let eTag: ETag
    /// The checksum that the store says it has for the object; nil where it does not say.
    package let checksum: CRC64NVME?

    package init(eTag: ETag, checksum: CRC64NVME?) {
        self.eTag = eTag
        self.checksum = checksum
    }
}

/// A range of bytes, never empty.
package struct ByteRange: Hashable, Sendable {
    package let offset: Int64
    package let length: Int64

    /// - Precondition: `offset` is not negative and `length` is at least 1.
    package init(offset: Int64, length: Int64) {
        precondition(offset >= 0 && length >= 1, "a byte range holds at least one byte")
        self.offset = offset
        self.length = length
    }
}

/// What must hold for a write to happen; decided by the store, atomically.
package enum PutCondition: Hashable, Sendable {
    /// There is no object at the key (`If-None-Match: *`).
    case absent
    /// The object at the key has this entity tag (`If-Match`).
    case matches(ETag)
}

/// How an object is to be stored.
package struct PutOptions: Sendable, Equatable {
    package var condition: PutCondition?
    /// The object's own metadata: names in lower case, without `x-amz-meta-`; printable ASCII.
    package var metadata: [String: String]
    package var contentType: String?

    package init(
        condition: PutCondition? = nil,
        metadata: [String: String] = [:],
        contentType: String? = nil
    ) {
        self.condition = condition
        self.metadata = metadata
        self.contentType = contentType
    }
}

/// One page of a listing.
package struct ListPage: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var key: ObjectKey
        package var size: Int64
        package var eTag: ETag?
        /// Seconds since 1970; nil where the store does not say.
        package var lastModified: Int64?

        package init(
            key: ObjectKey,
            size: Int64,
            eTag: ETag? = nil,
            lastModified: Int64? = nil
        ) {
            self.key = key
            self.size = size
            self.eTag = eTag
            self.lastModified = lastModified
        }
    }

    package var entries: [Entry]
    /// What lies below the prefix up to and with the delimiter.
    package var commonPrefixes: [[UInt8]]
    /// Where the next page goes on; nil on the last.
    package var nextToken: String?

    package init(
        entries: [Entry],
        commonPrefixes: [[UInt8]] = [],
        nextToken: String? = nil
    ) {
        self.entries = entries
        self.commonPrefixes = commonPrefixes
        self.nextToken = nextToken
    }
}
