// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Transport

extension ObjectStore {
    /// The whole object in memory and what the store says of it; nil if there is none.
    ///
    /// Bytes that arrive damaged are asked for again, three times.
    /// - Parameter limit: in bytes; a larger object is `.refused`.
    package func bytes(
        of key: ObjectKey,
        limit: Int
    ) async throws(S3Error) -> (bytes: [UInt8], info: ObjectInfo)? {
        var attempt = 1
        while true {
            let sink = MemorySink(limit: limit)
            do throws(S3Error) {
                let info = try await get(key, range: nil, ifMatch: nil, expecting: nil, to: sink)
                return (sink.bytes, info)
            } catch {
                if error.code == .noSuchKey { return nil }
                if error.code == .sink {
                    throw S3Error(
                        .refused,
                        what: "Cannot read the object \(key): it has more than \(limit) bytes",
                        cause: error
                    )
                }
                guard error.code == .corrupted, attempt <= 3 else { throw error }
                attempt += 1
            }
        }
    }

    /// Stores bytes in one request.
    package func put(
        _ key: ObjectKey,
        bytes: [UInt8],
        options: PutOptions = PutOptions()
    ) async throws(S3Error) -> ETag {
        try await put(key, body: .bytes(bytes), checksum: CRC64NVME(of: bytes), options: options)
            .eTag
    }

    /// All entries below `prefix`, page by page, each once.
    ///
    /// - Throws: `.badAnswer` when a listing goes in circles.
    package func entries(below prefix: [UInt8]) async throws(S3Error) -> [ListPage.Entry] {
        var entries: [ListPage.Entry] = []
        try await forEachPage(below: prefix) { entries += $0 }
        return entries
    }

    /// Gives all entries below `prefix` to `take`, page by page, each once. The keys are kept until
    /// the end, and nothing else.
    ///
    /// - Throws: `.badAnswer` when a listing goes in circles.
    package func forEachPage(
        below prefix: [UInt8],
        _ take: ([ListPage.Entry]) -> Void
    ) async throws(S3Error) {
        var seen: Set<ObjectKey> = []
        var tokens: Set<String> = []
        var token: String?
        repeat {
            let page = try await list(prefix: prefix, delimiter: nil, token: token, limit: 1000)
            let fresh = page.entries.filter { seen.insert($0.key).inserted }
            let isLoop =
                page.nextToken.map { !tokens.insert($0).inserted } ?? false
                || (fresh.isEmpty && !page.entries.isEmpty)
            guard !isLoop else {
                throw S3Error(
                    .badAnswer,
                    what: "Cannot list \"\(prefix.logSafe)\": the store's pages go in circles",
                    place: "after \(seen.count) keys"
                )
            }
            take(fresh)
            token = page.nextToken
        } while token != nil
    }
}
