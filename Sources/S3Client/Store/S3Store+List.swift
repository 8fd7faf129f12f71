// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Transport

extension S3Store {
    package func list(
        prefix: [UInt8],
        delimiter: UInt8?,
        token: String?,
        limit: Int
    ) async throws(S3Error) -> ListPage {
        let call = S3Call(operation: .listObjects, bucket: options.endpoint.bucket, key: prefix)
        var request = S3Request(call, .get, nil)
        request.query = [
            QueryItem("list-type", "2"), QueryItem("encoding-type", "url"),
            QueryItem("max-keys", String(limit)), QueryItem("prefix", prefix),
        ]
        if let delimiter { request.query.append(QueryItem("delimiter", [delimiter])) }
        if let token { request.query.append(QueryItem("continuation-token", token)) }
        return try await run(call) { _ throws(AttemptFailure) in
            let page = try await ListPage(sendForAnswer(request).body)
            guard page.entries.allSatisfy({ $0.key.hasPrefix(prefix) }) else {
                throw .unreadable("it has a key that is not below the prefix")
            }
            guard page.nextToken == nil || page.nextToken != token else {
                throw .unreadable("it goes on where it began")
            }
            return page
        }
    }

    package func openUploads(below prefix: [UInt8]) async throws(S3Error) -> [OpenUpload] {
        let call = S3Call(operation: .listUploads, bucket: options.endpoint.bucket, key: prefix)
        var found: [OpenUpload] = []
        var markers: Set<UploadPage.Marker> = []
        var next: UploadPage.Marker?
        repeat {
            var request = S3Request(call, .get, nil)
            // Keys as they are: SeaweedFS says that it has encoded them when asked to, and has not.
            request.query = [
                QueryItem("uploads"), QueryItem("max-uploads", "1000"),
                QueryItem("prefix", prefix),
            ]
            if let next {
                request.query.append(QueryItem("key-marker", next.key))
                if !next.upload.isEmpty {
                    request.query.append(QueryItem("upload-id-marker", next.upload))
                }
            }
            let page = try await run(call) { _ throws(AttemptFailure) in
                let page = try await UploadPage(sendForAnswer(request).body)
                guard page.uploads.allSatisfy({ $0.key.hasPrefix(prefix) }) else {
                    throw .unreadable("it has a key that is not below the prefix")
                }
                return page
            }
            found += page.uploads
            next = page.next
            if let next, !markers.insert(next).inserted {
                throw S3Error(
                    .badAnswer,
                    what:
                        "Cannot list the uploads to \"\(prefix.logSafe)\": the store's pages go in "
                        + "circles"
                )
            }
        } while next != nil
        return found
    }
}
