// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Synchronization
import Transport

/// Marks by which a write whose answer was lost is known again.
///
/// Every put and every multipart upload carries a random token in the object's metadata. When the
/// answer is lost, or a conditional put comes back as 412 after that, the object at the key is
/// looked up: with our token, it is ours. Readers never see the token.
final class UploadTokens: Sendable {
    static let metadataName = "galaxy-s3-put"

    private let tokens = Mutex<[UploadID: String]>([:])

    static func new() -> String { Hex.encode(SecureRandom.bytes(16)) }

    func remember(_ token: String, for upload: UploadID) { tokens.withLock { $0[upload] = token } }

    func token(for upload: UploadID) -> String? { tokens.withLock { $0[upload] } }

    func forget(_ upload: UploadID) { tokens.withLock { $0[upload] = nil } }
}

extension S3Store {
    /// The object at `key` if it carries `token`; one request.
    func lookUp(_ key: ObjectKey, token: String) async throws(AttemptFailure) -> ETag? {
        do throws(AttemptFailure) {
            let head = try await send(S3Request(call(.headObject, key), .head, key))
            return head["x-amz-meta-\(UploadTokens.metadataName)"] == token ? try head.eTag() : nil
        } catch {
            if error.status == 404 { return nil }
            throw error
        }
    }
}

/// What earlier attempts at one write leave open.
struct LostAnswers {
    /// Whether one of them may have done the write: a 412 may then be its doing.
    private(set) var mayBeDone = false
    /// Whether the object should be looked up before the write is repeated. A 503 alone is not worth
    /// the request: almost always the store has turned the write away. A proxy in front of it says
    /// 503, too, of a write that was done.
    private(set) var asksForLookUp = false

    mutating func note(_ failure: AttemptFailure) {
        guard failure.isAmbiguous else { return }
        mayBeDone = true
        if failure.status != 503 { asksForLookUp = true }
    }
}
