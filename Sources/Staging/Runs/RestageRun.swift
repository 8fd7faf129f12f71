// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// Puts back staged objects that a spec names and the bucket has no more.
///
/// The spec cannot change, so the bytes must be the promised ones: a file that is another one by
/// now is an error.
package struct RestageRun: Sendable {
    let store: any ObjectStore
    let transfers: Int

    package init(store: any ObjectStore, transfers: Int) {
        self.store = store
        self.transfers = transfers
    }

    /// - Parameter plan: what would be staged now; packs are made again from it.
    /// - Returns: whether anything was missing.
    package func callAsFunction(
        _ spec: RunSpec,
        _ plan: StagePlan
    ) async throws(StagingError) -> Bool {
        let restored = try await boundedMap(spec.inputs, limit: transfers) {
            (input) async throws(StagingError) -> Bool in try await restore(input)
        }
        var isRestored = restored.contains(true)
        for pack in spec.packs where try await isMissing(pack.key) {
            try await restore(pack, plan)
            isRestored = true
        }
        return isRestored
    }

    private func isMissing(_ key: ObjectKey) async throws(StagingError) -> Bool {
        do throws(S3Error) {
            return try await store.head(key) == nil
        } catch {
            throw .store("look for \(key)", error)
        }
    }

    /// Makes a pack again; it must be the promised one to the byte.
    private func restore(
        _ pack: PackEntry,
        _ plan: StagePlan
    ) async throws(StagingError) {
        let candidates = [
            try PackPlan(plan.runPack, times: .own), try PackPlan(plan.dataPack, times: .own),
            try PackPlan(plan.toolPack, times: .fixed),
        ]
        for candidate in candidates where candidate.length == pack.size {
            let source = PackSource(candidate)
            guard try source.digests().pack == pack.sha256 else { continue }
            let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
            _ = try await upload(source, to: pack.key, name: "a pack")
            return try source.checkUnchanged()
        }
        throw StagingError(
            .changed,
            what: "A pack is lost from the bucket, and its files on disk are others now",
            place: pack.key.logSafe,
            remedy: "Run the job again."
        )
    }

    private func restore(_ input: InputEntry) async throws(StagingError) -> Bool {
        guard try await isMissing(input.key) else { return false }
        let file = try SurveyedFile(trusted: input.path)
        let descriptor = try file.open()
        let source = DescriptorSource(descriptor, length: file.size, name: file.path)
        let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
        let digest = try await upload(source, to: input.key, name: input.path.logSafe)
        guard file.size == input.size, digest == input.digest else {
            throw StagingError(
                .changed,
                what: "\(input.path) is lost from the bucket, and on disk it is another file now",
                remedy: "Run the job again."
            )
        }
        return true
    }
}
