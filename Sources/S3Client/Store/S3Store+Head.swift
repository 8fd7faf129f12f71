// SPDX-License-Identifier: Apache-2.0

import Names
import Transport

extension S3Store {
    package func head(_ key: ObjectKey) async throws(S3Error) -> ObjectInfo? {
        let call = call(.headObject, key)
        var request = S3Request(call, .head, key)
        if sendsChecksums { request.set("x-amz-checksum-mode", "ENABLED") }
        return try await run(call) { _ throws(AttemptFailure) in
            do throws(AttemptFailure) {
                let head = try await send(request)
                return try head.objectInfo(size: head.contentLength(), isWhole: true)
            } catch {
                if error.status == 404, error.serverCode != "NoSuchBucket" { return nil }
                throw error
            }
        }
    }
}
