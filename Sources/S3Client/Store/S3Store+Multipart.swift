// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport
import XML

extension S3Store {
    package func createMultipart(
        _ key: ObjectKey,
        options: PutOptions
    ) async throws(S3Error) -> UploadID {
        let call = call(.createMultipart, key)
        let token = UploadTokens.new()
        var request = S3Request(call, .post, key)
        request.query = [QueryItem("uploads")]
        request.set(options, of: self.options)
        request.set("x-amz-meta-\(UploadTokens.metadataName)", token)
        if sendsChecksums {
            request.set("x-amz-checksum-algorithm", "CRC64NVME")
            request.set("x-amz-checksum-type", "FULL_OBJECT")
        }
        let upload = try await run(call) { _ throws(AttemptFailure) in
            try await UploadID(createAnswer: sendForAnswer(request).body)
        }
        tokens.remember(token, for: upload)
        return upload
    }

    package func uploadPart(
        _ key: ObjectKey,
        upload: UploadID,
        number: Int,
        body: HTTPBody,
        checksum: CRC64NVME
    ) async throws(S3Error) -> UploadedPart {
        let call = call(.uploadPart, key)
        var request = S3Request(call, .put, key)
        request.query = [
            QueryItem("partNumber", String(number)), QueryItem("uploadId", upload.text),
        ]
        request.body = body
        if sendsChecksums { request.set("x-amz-checksum-crc64nvme", checksum.base64) }
        let eTag = try await run(call) { _ throws(AttemptFailure) in
            request.payload = try payload(of: body)
            return try await send(request).eTag()
        }
        metrics.countSent(body.length)
        return UploadedPart(number: number, eTag: eTag, checksum: checksum)
    }

    package func completeMultipart(
        _ key: ObjectKey,
        upload: UploadID,
        parts: [UploadedPart],
        checksum: CRC64NVME?,
        condition: PutCondition?
    ) async throws(S3Error) -> PutReceipt {
        let call = call(.completeMultipart, key)
        var request = S3Request(call, .post, key)
        request.query = [QueryItem("uploadId", upload.text)]
        request.setBody(Array(completeText(parts).utf8))
        request.set("content-type", "application/xml")
        request.allowAssembly(silence: assemblySilence)
        request.set(condition)
        if sendsChecksums, let checksum {
            request.set("x-amz-checksum-crc64nvme", checksum.base64)
            request.set("x-amz-checksum-type", "FULL_OBJECT")
        }
        var lost = LostAnswers()
        let receipt = try await run(call) { _ throws(AttemptFailure) in
            if lost.asksForLookUp, let eTag = try await lookUp(key, upload, checksum) {
                return PutReceipt(eTag: eTag, checksum: nil)
            }
            do throws(AttemptFailure) {
                return try await PutReceipt(completeAnswer: sendForAnswer(request).body)
            } catch {
                // The upload is gone, or somebody is at the key, because we have completed it.
                if lost.mayBeDone, error.status == 412 || error.serverCode == "NoSuchUpload",
                    let eTag = try await lookUp(key, upload, checksum)
                {
                    return PutReceipt(eTag: eTag, checksum: nil)
                }
                lost.note(error)
                throw error
            }
        }
        tokens.forget(upload)
        return receipt
    }

    package func abortMultipart(_ key: ObjectKey, upload: UploadID) async throws(S3Error) {
        let call = call(.abortMultipart, key)
        var request = S3Request(call, .delete, key)
        request.query = [QueryItem("uploadId", upload.text)]
        try await run(call) { _ throws(AttemptFailure) in
            do throws(AttemptFailure) {
                _ = try await send(request)
            } catch {
                if error.status == 404, error.serverCode != "NoSuchBucket" { return }
                throw error
            }
        }
        tokens.forget(upload)
    }

    /// The object at `key` if it is what `upload` was to become: it carries the upload's token, or,
    /// where another process began the upload, the checksum.
    private func lookUp(
        _ key: ObjectKey,
        _ upload: UploadID,
        _ checksum: CRC64NVME?
    ) async throws(AttemptFailure) -> ETag? {
        if let token = tokens.token(for: upload) { return try await lookUp(key, token: token) }
        guard let checksum, sendsChecksums else { return nil }
        var request = S3Request(call(.headObject, key), .head, key)
        request.set("x-amz-checksum-mode", "ENABLED")
        do throws(AttemptFailure) {
            let head = try await send(request)
            return head["x-amz-checksum-crc64nvme"] == checksum.base64 ? try head.eTag() : nil
        } catch {
            if error.status == 404 { return nil }
            throw error
        }
    }

    private func completeText(_ parts: [UploadedPart]) -> String {
        let lines = parts.map { part in
            let sum = sendsChecksums ? part.checksum : nil
            let sumText = sum.map { "<ChecksumCRC64NVME>\($0.base64)</ChecksumCRC64NVME>" } ?? ""
            let eTag = XMLText.escaped(Array(part.eTag.text.utf8)) ?? ""
            return
                "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(eTag)</ETag>\(sumText)</Part>"
        }
        return "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            + lines.joined() + "</CompleteMultipartUpload>"
    }
}
