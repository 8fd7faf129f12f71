// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

/// One bucket of an S3 store.
///
/// Promises every conformance keeps, and the contract suite checks:
/// - **Atomic**: a reader sees a whole object or none; a put that throws with `isAmbiguous` false
///   has stored nothing.
/// - **Read after write**: a finished put, copy, completion or delete is seen by the next call.
/// - **Verified**: bytes sent carry their CRC64NVME and length; bytes received are checked against
///   the checksum the store has for the object (or `expecting`), and their number always. A get
///   that returned has given its sink the right bytes.
/// - **Retried**: transient failures were retried inside with full jitter and within one budget a
///   process; what is thrown is final. A request whose answer was lost is looked up first.
/// - **Cancelled** means nothing more is sent; a multipart upload under way is aborted first.
/// - Errors say operation, bucket and key, and never a secret.
package protocol ObjectStore: Sendable {
    /// Where the object at `key` is, for messages: `s3://bucket/key`, safe to print.
    func url(of key: ObjectKey) -> String

    /// What the store knows of the object at `key`; nil if there is none.
    func head(_ key: ObjectKey) async throws(S3Error) -> ObjectInfo?

    /// Streams the object, or `range` of it, to the sink that `makeSink` gives.
    ///
    /// A broken connection is resumed from the last byte taken if the object is still the same. A
    /// range that is not wholly inside the object is `.refused`.
    /// - Parameters:
    ///   - ifMatch: fails with `.preconditionFailed` unless the object has this entity tag.
    ///   - expecting: the checksum of exactly the bytes asked for, where the caller knows it.
    func get(
        _ key: ObjectKey,
        range: ByteRange?,
        ifMatch: ETag?,
        expecting: CRC64NVME?,
        to sink: any HTTPBodySink
    ) async throws(S3Error) -> ObjectInfo

    /// Stores `body` at `key` in one request (at most 5 GiB), and gives what the store says it has
    /// got: where that has the checksum, nobody need ask again.
    ///
    /// - Parameter checksum: of the whole body.
    /// - Throws: `.preconditionFailed` when `options.condition` does not hold.
    func put(
        _ key: ObjectKey,
        body: HTTPBody,
        checksum: CRC64NVME,
        options: PutOptions
    ) async throws(S3Error) -> PutReceipt

    /// Copies inside the store, server-side (at most 5 GiB).
    func copy(
        from source: ObjectKey,
        to target: ObjectKey,
        sourceIfMatch: ETag?,
        options: PutOptions
    ) async throws(S3Error) -> ETag

    /// One page of keys below `prefix`, in byte order, after `token`.
    func list(
        prefix: [UInt8],
        delimiter: UInt8?,
        token: String?,
        limit: Int
    ) async throws(S3Error) -> ListPage

    /// Deletes; a key that is not there counts as deleted.
    func delete(_ key: ObjectKey) async throws(S3Error)

    /// Deletes up to any number of keys, 1,000 a request; throws if any is left, naming the first.
    func delete(_ keys: [ObjectKey]) async throws(S3Error)

    /// Multipart uploads to keys below `prefix` that somebody has begun, and neither completed nor
    /// aborted; all pages.
    ///
    /// - Throws: `.badAnswer` when a listing goes in circles.
    func openUploads(below prefix: [UInt8]) async throws(S3Error) -> [OpenUpload]

    /// Begins a multipart upload.
    func createMultipart(
        _ key: ObjectKey,
        options: PutOptions
    ) async throws(S3Error) -> UploadID

    /// Uploads one part (5 MiB to 5 GiB, the last may be smaller).
    func uploadPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        body: HTTPBody,
        checksum: CRC64NVME
    ) async throws(S3Error) -> UploadedPart

    /// Makes one part of a range of another object, server-side.
    func copyPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        from source: ObjectKey,
        range: ByteRange,
        sourceIfMatch: ETag?
    ) async throws(S3Error) -> UploadedPart

    /// Makes the parts one object, and gives what the store says it has got, as `put` does.
    ///
    /// - Parameter checksum: of the whole object, where the caller knows it.
    func completeMultipart(
        _ key: ObjectKey,
        upload: UploadID,
        parts: [UploadedPart],
        checksum: CRC64NVME?,
        condition: PutCondition?
    ) async throws(S3Error) -> PutReceipt

    /// Gives up a multipart upload and its parts; one that is gone already is fine.
    func abortMultipart(_ key: ObjectKey, upload: UploadID) async throws(S3Error)
}
