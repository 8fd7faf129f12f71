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
    /// The bytes of `range` with their checksum, for a source that reads what it sends but once; nil where
    /// `body` and `knownChecksum` are to be asked. An upload asks for its parts in their order or nearly so,
    /// several at a time, and once more for those of an upload that is begun anew.
    func ready(_ range: ByteRange) async throws -> ReadyBytes?
}

/// Bytes to send, and what they have come to.
package struct ReadyBytes: Sendable {
    package let body: HTTPBody
    package let checksum: CRC64NVME

    package init(body: HTTPBody, checksum: CRC64NVME) {
        self.body = body
        self.checksum = checksum
    }
}

extension UploadSource {
    package func knownChecksum(_ range: ByteRange) -> CRC64NVME? { nil }

    package func ready(_ range: ByteRange) async -> ReadyBytes? { nil }

    /// The bytes of `range` and their checksum, for which they are read only if they have to be.
    func bytes(_ range: ByteRange, of key: ObjectKey) async throws(S3Error) -> ReadyBytes {
        do {
            if let ready = try await ready(range) { return ready }
            if let known = try knownChecksum(range) {
                return ReadyBytes(body: body(range), checksum: known)
            }
        } catch {
            throw S3Error(.source, what: "Cannot upload \(key): it cannot be read", cause: error)
        }
        var body = body(range)
        if range.length <= Self.smallBytes { body = .bytes(try body.allBytes(for: key)) }
        return ReadyBytes(body: body, checksum: try body.checksum(of: key))
    }

    /// All bytes; there may be none.
    func allBytes(of key: ObjectKey) async throws(S3Error) -> ReadyBytes {
        guard length > 0 else { return ReadyBytes(body: .bytes([]), checksum: CRC64NVME()) }
        return try await bytes(ByteRange(offset: 0, length: length), of: key)
    }

    /// What is no longer than this is read once and sent from memory.
    private static var smallBytes: Int64 { 64 << 10 }
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
