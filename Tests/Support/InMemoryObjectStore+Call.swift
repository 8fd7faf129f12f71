// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import Transport

extension InMemoryObjectStore {
    /// A call that is about to be made, or has been.
    package struct Call: Sendable, Equatable {
        package enum Kind: String, Sendable {
            case head, get, put, copy, list, delete, createMultipart, uploadPart, copyPart
            case completeMultipart, abortMultipart, openUploads
        }

        package let kind: Kind
        package let key: ObjectKey?
        /// 1 for the first call of this kind.
        package let number: Int
        /// Whether the work has been done: throwing now means that the answer is lost.
        package let isDone: Bool
    }

    package typealias FaultHook = @Sendable (Call) async throws(S3Error) -> Void

    /// What the answer to a put says.
    func receipt(_ eTag: ETag, _ checksum: CRC64NVME?) -> PutReceipt {
        PutReceipt(eTag: eTag, checksum: confirmsPuts ? checksum : nil)
    }

    static func read(_ body: HTTPBody, _ key: ObjectKey) throws(S3Error) -> [UInt8] {
        do {
            let reader = try body.makeReader()
            var bytes = [UInt8](repeating: 0, count: Int(body.length) + 1)
            var count = 0
            while true {
                let got = try bytes.withUnsafeMutableBytes { buffer in
                    try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
                }
                if got == 0 { break }
                count += got
            }
            guard count == Int(body.length) else { throw error(.source, "read", key) }
            return Array(bytes.prefix(count))
        } catch let error as S3Error {
            throw error
        } catch {
            throw S3Error(.source, what: "Cannot read what is to be put at \(key)", cause: error)
        }
    }

    static func error(_ code: S3Error.Code, _ verb: String, _ key: ObjectKey) -> S3Error {
        S3Error(code, what: "Cannot \(verb) \(key): \(code.rawValue)")
    }
}
