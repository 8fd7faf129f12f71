// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import Transport

extension InMemoryObjectStore {
    package func deposit(
        _ key: ObjectKey,
        body: HTTPBody,
        checksum: CRC64NVME,
        options: PutOptions
    ) async throws(S3Error) -> PutReceipt {
        let eTag = try await put(key, body: body, checksum: checksum, options: options)
        return PutReceipt(eTag: eTag, checksum: confirmsPuts ? checksum : nil)
    }

    package func assemble(
        _ key: ObjectKey,
        upload: UploadID,
        parts: [UploadedPart],
        checksum: CRC64NVME?,
        condition: PutCondition?
    ) async throws(S3Error) -> PutReceipt {
        let eTag = try await completeMultipart(
            key,
            upload: upload,
            parts: parts,
            checksum: checksum,
            condition: condition
        )
        return PutReceipt(eTag: eTag, checksum: confirmsPuts ? checksum : nil)
    }
}
