// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Transport

/// A store that does less than it should, in the ways that stores are known to.
struct AlteredStore: ObjectStore {
    let inner: InMemoryObjectStore
    /// Whether conditions of puts are forgotten.
    var forgetsConditions = false
    /// Whether puts with a condition are refused.
    var refusesConditions = false
    /// Whether a wrong checksum is taken as well.
    var takesWrongChecksums = false
    /// What becomes of what is said of an object.
    var alter: @Sendable (ObjectInfo) -> ObjectInfo = { $0 }
    /// Whether deletes do nothing.
    var keepsDeleted = false
    /// Whether nothing is listed.
    var listsNothing = false

    func url(of key: ObjectKey) -> String { inner.url(of: key) }

    func head(_ key: ObjectKey) async throws(S3Error) -> ObjectInfo? {
        try await inner.head(key).map(alter)
    }

    func get(
        _ key: ObjectKey,
        range: ByteRange?,
        ifMatch: ETag?,
        expecting: CRC64NVME?,
        to sink: any HTTPBodySink
    ) async throws(S3Error) -> ObjectInfo {
        alter(
            try await inner.get(key, range: range, ifMatch: ifMatch, expecting: expecting, to: sink)
        )
    }

    func put(
        _ key: ObjectKey,
        body: HTTPBody,
        checksum: CRC64NVME,
        options: PutOptions
    ) async throws(S3Error) -> PutReceipt {
        if refusesConditions, options.condition != nil {
            throw S3Error(.refused, what: "Cannot put: NotImplemented")
        }
        var options = options
        if forgetsConditions { options.condition = nil }
        do throws(S3Error) {
            return try await inner.put(key, body: body, checksum: checksum, options: options)
        } catch {
            if error.code == .corrupted, takesWrongChecksums {
                return PutReceipt(eTag: ETag("\"any\""), checksum: nil)
            }
            throw error
        }
    }

    func copy(
        from source: ObjectKey,
        to target: ObjectKey,
        sourceIfMatch: ETag?,
        options: PutOptions
    ) async throws(S3Error) -> ETag {
        try await inner.copy(
            from: source,
            to: target,
            sourceIfMatch: sourceIfMatch,
            options: options
        )
    }

    func list(
        prefix: [UInt8],
        delimiter: UInt8?,
        token: String?,
        limit: Int
    ) async throws(S3Error) -> ListPage {
        if listsNothing { return ListPage(entries: []) }
        return try await inner.list(
            prefix: prefix,
            delimiter: delimiter,
            token: token,
            limit: limit
        )
    }

    func delete(_ key: ObjectKey) async throws(S3Error) {
        if !keepsDeleted { try await inner.delete(key) }
    }

    func delete(_ keys: [ObjectKey]) async throws(S3Error) {
        if !keepsDeleted { try await inner.delete(keys) }
    }

    func createMultipart(
        _ key: ObjectKey,
        options: PutOptions
    ) async throws(S3Error) -> UploadID {
        try await inner.createMultipart(key, options: options)
    }

    func uploadPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        body: HTTPBody,
        checksum: CRC64NVME
    ) async throws(S3Error) -> UploadedPart {
        try await inner.uploadPart(
            key,
            upload: upload,
            number: number,
            body: body,
            checksum: checksum
        )
    }

    func copyPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        from source: ObjectKey,
        range: ByteRange,
        sourceIfMatch: ETag?
    ) async throws(S3Error) -> UploadedPart {
        try await inner.copyPart(
            key,
            upload: upload,
            number: number,
            from: source,
            range: range,
            sourceIfMatch: sourceIfMatch
        )
    }

    func completeMultipart(
        _ key: ObjectKey,
        upload: UploadID,
        parts: [UploadedPart],
        checksum: CRC64NVME?,
        condition: PutCondition?
    ) async throws(S3Error) -> PutReceipt {
        try await inner.completeMultipart(
            key,
            upload: upload,
            parts: parts,
            checksum: checksum,
            condition: condition
        )
    }

    func openUploads(below prefix: [UInt8]) async throws(S3Error) -> [OpenUpload] {
        try await inner.openUploads(below: prefix)
    }

    func abortMultipart(_ key: ObjectKey, upload: UploadID) async throws(S3Error) {
        try await inner.abortMultipart(key, upload: upload)
    }
}
