// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Transport

extension S3Store {
    package func put(
        _ key: ObjectKey,
        body: HTTPBody,
        checksum: CRC64NVME,
        options: PutOptions
    ) async throws(S3Error) -> PutReceipt {
        let call = call(.putObject, key)
        let token = UploadTokens.new()
        var request = S3Request(call, .put, key)
        request.body = body
        request.set(options, of: self.options)
        request.set("x-amz-meta-\(UploadTokens.metadataName)", token)
        request.set(options.condition)
        if sendsChecksums { request.set("x-amz-checksum-crc64nvme", checksum.base64) }
        var lost = LostAnswers()
        let receipt = try await run(call) { _ throws(AttemptFailure) in
            if lost.asksForLookUp, let eTag = try await lookUp(key, token: token) {
                return PutReceipt(eTag: eTag, checksum: nil)
            }
            do throws(AttemptFailure) {
                request.payload = try payload(of: body)
                return try await send(request).putReceipt()
            } catch {
                if lost.mayBeDone, error.status == 412,
                    let eTag = try await lookUp(key, token: token)
                {
                    return PutReceipt(eTag: eTag, checksum: nil)
                }
                lost.note(error)
                throw error
            }
        }
        metrics.countSent(body.length)
        return receipt
    }
}
