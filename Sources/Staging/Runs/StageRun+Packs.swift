// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import S3Client

/// Packs that are named by their content, which many jobs have in common: their tool's files above all.
extension StageRun {
    /// A pack named by its content: there already, or uploaded now. One that whoever frees space may be
    /// about to free is uploaded once more, which makes it young: nothing in the bucket says yet that it is
    /// wanted.
    func contentPack(_ plan: PackPlan) async throws(StagingError) -> PackEntry {
        let digests = try await PackSource(plan).digests()
        let key = layout.pack(digests.pack)
        var found: ObjectInfo?
        return try await uploads.once(store.url(of: key)) {
            () async throws(StagingError) -> PackEntry? in
            found = try await lookForPack(key)
            if isUsable(found, plan, digests) { return present(plan, key, digests) }
            guard let found, !found.mayHold(size: plan.length, digests.checksum) else { return nil }
            // Damaged, and perhaps still read by other jobs: it is left as it is, and not used. Nobody waits
            // for a pack that only one job uses.
            let own = layout.pack(digests.pack, nonce: Nonce.draw())
            return try await upload(plan, to: own, digests) { (source) throws(StagingError) in
                _ = try await verified(source, to: own, name: "the pack")
            }
        } make: { () async throws(StagingError) in
            try await upload(plan, to: key, digests) { (source) throws(StagingError) in
                if found == nil {
                    try await verified.unlessPresent(source, to: key, name: "the pack")
                } else {
                    // The same bytes: who reads the old one meanwhile sees no difference.
                    _ = try await verified(source, to: key, name: "the pack")
                }
            }
        }
    }

    private func lookForPack(_ key: ObjectKey) async throws(StagingError) -> ObjectInfo? {
        do throws(S3Error) {
            return try await store.head(key)
        } catch {
            throw .store("look for a pack", error)
        }
    }

    /// Whether what is there is the pack, and young enough to stay there until the run's spec names it.
    private func isUsable(
        _ found: ObjectInfo?,
        _ plan: PackPlan,
        _ digests: PackSource.Digests
    ) -> Bool {
        // The worker compares a pack's SHA-256, which its key and the spec name.
        guard let found, found.mayHold(size: plan.length, digests.checksum) else { return false }
        return found.age(at: now()).map { $0 < LinkKeeper.longestAge } ?? false
    }

    private func present(
        _ plan: PackPlan,
        _ key: ObjectKey,
        _ digests: PackSource.Digests
    ) -> PackEntry {
        meter.skipped(plan.count)
        return entry(plan, key, digests.pack)
    }

    /// Uploads a pack, and makes sure that its files did not change meanwhile.
    private func upload(
        _ plan: PackPlan,
        to key: ObjectKey,
        _ digests: PackSource.Digests,
        send: (PackSource) async throws(StagingError) -> Void
    ) async throws(StagingError) -> PackEntry {
        let source = PackSource(plan, known: digests)
        meter.expect(bytes: source.length, files: plan.count)
        try await send(source)
        try await source.checkUnchanged()
        meter.finished(plan.count, packed: plan.count)
        return entry(plan, key, digests.pack)
    }

    private func entry(
        _ plan: PackPlan,
        _ key: ObjectKey,
        _ digest: SHA256Digest
    ) -> PackEntry {
        PackEntry(key: key, size: plan.length, digest: .sha256(digest), files: plan.count)
    }
}
