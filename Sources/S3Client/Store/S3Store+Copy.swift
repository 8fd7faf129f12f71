// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

extension S3Store {
    package func copy(
        from source: ObjectKey,
        to target: ObjectKey,
        sourceIfMatch: ETag?,
        options: PutOptions
    ) async throws(S3Error) -> ETag {
        let call = call(.copyObject, target, from: source)
        let token = UploadTokens.new()
        let replaces = !options.metadata.isEmpty || options.contentType != nil
        var request = S3Request(call, .put, target)
        request.allowAssembly(silence: assemblySilence)
        request.set("x-amz-copy-source", copySource(source))
        request.set("x-amz-copy-source-if-match", sourceIfMatch?.text)
        request.set("x-amz-metadata-directive", replaces ? "REPLACE" : "COPY")
        request.set(options, of: self.options)
        if replaces { request.set("x-amz-meta-\(UploadTokens.metadataName)", token) }
        request.set(options.condition)
        if sendsChecksums { request.set("x-amz-checksum-algorithm", "CRC64NVME") }
        var lost = LostAnswers()
        return try await run(call) { _ throws(AttemptFailure) in
            do throws(AttemptFailure) {
                return try await ETag(copyAnswer: sendForAnswer(request).body)
            } catch {
                if lost.mayBeDone, error.status == 412 {
                    if replaces, let eTag = try await lookUp(target, token: token) { return eTag }
                    if let eTag = try await lookUpTwin(of: source, at: target) { return eTag }
                }
                lost.note(error)
                throw error
            }
        }
    }

    package func copyPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        from source: ObjectKey,
        range: ByteRange,
        sourceIfMatch: ETag?
    ) async throws(S3Error) -> UploadedPart {
        let call = call(.copyPart, key, from: source)
        var request = S3Request(call, .put, key)
        request.query = [
            QueryItem("partNumber", String(number)), QueryItem("uploadId", upload.text),
        ]
        let last = range.offset + range.length - 1
        request.allowAssembly(silence: assemblySilence)
        request.set("x-amz-copy-source", copySource(source))
        request.set("x-amz-copy-source-range", "bytes=\(range.offset)-\(last)")
        request.set("x-amz-copy-source-if-match", sourceIfMatch?.text)
        let eTag = try await run(call) { _ throws(AttemptFailure) in
            try await ETag(copyPartAnswer: sendForAnswer(request).body)
        }
        return UploadedPart(number: number, eTag: eTag, checksum: nil)
    }

    private func copySource(_ source: ObjectKey) -> String {
        "/\(PercentEncoding.encode(options.endpoint.bucket.utf8))/"
            + PercentEncoding.encode(source.bytes, keepingSlashes: true)
    }

    /// The object at `target` if it has the size and checksum (or, where there is none, the entity
    /// tag) of the one at `source`: what a copy whose answer was lost has made.
    private func lookUpTwin(
        of source: ObjectKey,
        at target: ObjectKey
    ) async throws(AttemptFailure) -> ETag? {
        let (theirs, ours) = (try await look(source), try await look(target))
        guard theirs.size == ours.size else { return nil }
        if let checksum = theirs.checksum { return checksum == ours.checksum ? ours.eTag : nil }
        return theirs.eTag == ours.eTag ? ours.eTag : nil
    }

    private func look(_ key: ObjectKey) async throws(AttemptFailure) -> ObjectInfo {
        var request = S3Request(call(.headObject, key), .head, key)
        if sendsChecksums { request.set("x-amz-checksum-mode", "ENABLED") }
        let head = try await send(request)
        return try head.objectInfo(size: head.contentLength(), isWhole: true)
    }
}
