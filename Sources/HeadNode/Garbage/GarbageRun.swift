// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import S3Client
import Staging

/// Frees what a plan says, one process at a time for each Galaxy. It may be cut off anywhere and done
/// again.
struct GarbageRun: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    let transfers: Int

    /// A lock this old is one of a process that has died, in seconds.
    private static let lockLifetime: Int64 = 24 * 3600

    /// Does `body` while nobody else frees space of this Galaxy's.
    ///
    /// - Parameter now: seconds since 1970.
    func exclusively<Value>(
        now: Int64,
        _ body: () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        try await takeLock(now)
        let outcome: Result<Value, HeadError>
        do throws(HeadError) {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        // One that stays is taken for a dead process's in a day.
        try? await store.delete(layout.garbageLock)
        return try outcome.get()
    }

    func callAsFunction(_ plan: GarbagePlan) async throws(HeadError) {
        try await staging("Cannot mark links that are gone") { () async throws(StagingError) in
            for (keys, isGone) in [(plan.marks, true), (plan.unmarks, false)] {
                _ = try await boundedMap(keys, limit: transfers) {
                    (key) async throws(StagingError) in try await mark(key, isGone)
                }
            }
        }
        try await storing("Cannot abort uploads that were cut off") { () async throws(S3Error) in
            for upload in plan.uploads ?? [] {
                try await store.abortMultipart(upload.key, upload: upload.id)
            }
        }
        var rest = plan.items[...]
        // What names something goes before what it names.
        while let reason = rest.first?.reason {
            let keys = rest.prefix { $0.reason == reason }.map(\.key)
            rest = rest.dropFirst(keys.count)
            try await storing("Cannot free what is left over") { () async throws(S3Error) in
                try await store.delete(keys)
            }
        }
    }

    private func mark(
        _ key: ObjectKey,
        _ isGone: Bool
    ) async throws(StagingError) {
        let documents = DocumentStore(store)
        guard var record = try await documents.read(LinkRecord.self, at: key, name: "link's record")
        else { return }
        record.isGone = isGone
        let bytes = try Staging.documents { () throws(ContractError) in
            try ContractCoding.encode(record)
        }
        do throws(S3Error) {
            try await documents.put(bytes, at: key)
        } catch {
            throw .store("mark a link's record", error)
        }
    }

    private func takeLock(_ now: Int64) async throws(HeadError) {
        let bytes = Array("process \(getpid())".utf8)
        for _ in 0..<2 {
            let isOurs = try await storing("Cannot take the lock for freeing space") {
                () async throws(S3Error) in
                try await DocumentStore(store)
                    .put(bytes, at: layout.garbageLock, condition: .absent)
            }
            if isOurs { return }
            let holder = try await storing("Cannot look at the lock for freeing space") {
                () async throws(S3Error) in try await store.head(layout.garbageLock)
            }
            guard let holder else { continue }
            guard let since = holder.lastModified, now - since > Self.lockLifetime else { break }
            try await storing("Cannot remove a dead process's lock") { () async throws(S3Error) in
                try await store.delete(layout.garbageLock)
            }
        }
        throw HeadError(
            .busy,
            what: "Somebody else frees space of this Galaxy's",
            place: layout.garbageLock.logSafe,
            remedy: "Wait for it. The lock of a process that has died counts for a day."
        )
    }
}
