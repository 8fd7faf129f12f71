// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

/// Bytes that can be uploaded: their number is known and any piece of them can be read, several at
/// a time and again for a retry.
package protocol UploadSource: Sendable {
    /// How many bytes there are.
    var length: Int64 { get }
    /// The bytes of `range`, which lies inside.
    func body(_ range: ByteRange) -> HTTPBody
    /// The checksum of `range` as the bytes were when they were read before; nil where nobody knows.
    func knownChecksum(_ range: ByteRange) throws -> CRC64NVME?
}

extension UploadSource {
    package func knownChecksum(_ range: ByteRange) -> CRC64NVME? { nil }

    /// The checksum of `range`, which is read only if it has to be.
    func checksum(_ range: ByteRange, of key: ObjectKey) throws(S3Error) -> CRC64NVME {
        do {
            if let known = try knownChecksum(range) { return known }
        } catch {
            throw S3Error(.source, what: "Cannot upload \(key): it cannot be read", cause: error)
        }
        return try body(range).checksum(of: key)
    }

    /// All bytes; there may be none.
    func wholeBody() -> HTTPBody {
        length == 0 ? .bytes([]) : body(ByteRange(offset: 0, length: length))
    }
}

/// Bytes in memory.
package struct MemorySource: UploadSource {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var length: Int64 { Int64(bytes.count) }

    package func body(_ range: ByteRange) -> HTTPBody {
        .bytes(Array(bytes[Int(range.offset)..<Int(range.offset + range.length)]))
    }
}
