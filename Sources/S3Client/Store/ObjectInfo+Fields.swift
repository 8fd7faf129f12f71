// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

extension HTTPResponseHead {
    /// The entity tag; every store sends one with an object.
    func eTag() throws(AttemptFailure) -> ETag {
        guard let text = self["etag"], !text.isEmpty else { throw .unreadable("it has no ETag") }
        return ETag(text)
    }

    /// What the fields say of an object that was just put.
    func putReceipt() throws(AttemptFailure) -> PutReceipt {
        PutReceipt(
            eTag: try eTag(),
            checksum: self["x-amz-checksum-crc64nvme"].flatMap { CRC64NVME(base64: $0) }
        )
    }

    /// `Content-Length` as a number: digits only.
    func contentLength() throws(AttemptFailure) -> Int64 {
        let values = Set(fields.filter { $0.name == "content-length" }.map(\.value))
        guard values.count == 1, let text = values.first, let length = Int64(digits: text) else {
            throw .unreadable("its Content-Length is missing or not one number")
        }
        return length
    }

    /// `Content-Range: bytes first-last/size` (RFC 9110, section 14.4).
    func contentRange() throws(AttemptFailure) -> (range: ByteRange, size: Int64) {
        let problem = AttemptFailure.unreadable("its Content-Range is missing or odd")
        guard let text = self["content-range"] else { throw problem }
        let bytes = Array(text.utf8)
        guard bytes.starts(with: "bytes ".utf8) else { throw problem }
        let numbers = bytes.dropFirst(6)
            .split(omittingEmptySubsequences: false) {
                $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "/")
            }
            .map { Int64(digits: String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 3, let first = numbers[0], let last = numbers[1],
            let size = numbers[2], first <= last, last < size
        else { throw problem }
        return (ByteRange(offset: first, length: last - first + 1), size)
    }

    /// What the fields say of an object of `size` bytes.
    ///
    /// - Parameter isWhole: whether the checksum in them is of the whole object.
    func objectInfo(size: Int64, isWhole: Bool) throws(AttemptFailure) -> ObjectInfo {
        let prefix = Array("x-amz-meta-".utf8)
        var metadata: [String: String] = [:]
        for field in fields where field.name.utf8.starts(with: prefix) {
            let name = String(decoding: field.name.utf8.dropFirst(prefix.count), as: UTF8.self)
            if name != UploadTokens.metadataName { metadata[name] = field.value }
        }
        let isFull = self["x-amz-checksum-type"].map { $0 == "FULL_OBJECT" } ?? true
        return ObjectInfo(
            size: size,
            eTag: try eTag(),
            checksum: isWhole && isFull
                ? self["x-amz-checksum-crc64nvme"].flatMap { CRC64NVME(base64: $0) } : nil,
            metadata: metadata,
            lastModified: self["last-modified"].flatMap { Timestamp(httpDate: $0)?.seconds }
        )
    }
}

extension Int64 {
    /// Reads digits and nothing else; nil when it is too long a number.
    init?(digits text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        self.init(text)
    }
}
