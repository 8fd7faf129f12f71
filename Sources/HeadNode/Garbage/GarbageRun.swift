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
    /// - Parameters:
    ///   - now: by this machine's clock, in seconds since 1970.
    ///   - body: is given the same by the store's clock, which has dated everything that is stored.
    func exclusively<Value>(
        now: Int64,
        _ body: (Int64) async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        let since = try await takeLock(now) ?? now
        let outcome: Result<Value, HeadError>
        do throws(HeadError) {
            outcome = .success(try await body(since))
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
            if reason == .unusedPack {
                try await freePacks(keys, plan.horizon)
            } else {
                try await free(keys)
            }
        }
    }

    /// How many objects are looked at once more before they are deleted together.
    private static let batch = 200

    /// Packs have names that come again: one that was stored anew since the plan was made stays.
    private func freePacks(
        _ keys: [ObjectKey],
        _ horizon: Int64
    ) async throws(HeadError) {
        for start in stride(from: 0, to: keys.count, by: Self.batch) {
            let part = Array(keys[start..<min(start + Self.batch, keys.count)])
            let old = try await storing("Cannot look at packs that are left over") {
                () async throws(S3Error) in
                try await boundedMap(part, limit: transfers) {
                    (key) async throws(S3Error) -> ObjectKey? in
                    guard let stored = try await store.head(key)?.lastModified else { return nil }
                    return stored < horizon ? key : nil
                }
            }
            try await free(old.compactMap(\.self))
        }
    }

    private func free(_ keys: [ObjectKey]) async throws(HeadError) {
        if keys.isEmpty { return }
        try await storing("Cannot free what is left over") { () async throws(S3Error) in
            try await store.delete(keys)
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

    /// - Returns: when it was taken, as the store says; nil where it does not say.
    private func takeLock(_ now: Int64) async throws(HeadError) -> Int64? {
        let bytes = Array("process \(getpid())".utf8)
        for _ in 0..<2 {
            let isOurs = try await storing("Cannot take the lock for freeing space") {
                () async throws(S3Error) in
                try await DocumentStore(store)
                    .put(bytes, at: layout.garbageLock, condition: .absent)
            }
            let holder = try await storing("Cannot look at the lock for freeing space") {
                () async throws(S3Error) in try await store.head(layout.garbageLock)
            }
            if isOurs { return holder?.lastModified }
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
