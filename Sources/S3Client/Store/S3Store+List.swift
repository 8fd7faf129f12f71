// SPDX-License-Identifier: Apache-2.0

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
}
