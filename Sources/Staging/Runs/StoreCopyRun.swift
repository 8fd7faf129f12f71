// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Makes outputs objects of Galaxy's own object store, inside the store: no byte passes this machine.
///
/// Each object appears at Galaxy's key whole or not at all, and only if its source is still what the
/// winning report promises. It may be cut off anywhere and done again.
package struct StoreCopyRun: Sendable {
    let store: any ObjectStore
    let transfers: Int
    /// Counts what was copied, which is not what this machine has moved.
    let meter: PhaseMeter
    /// Larger objects are copied in parts, in bytes.
    let thresholdBytes: Int64

    package init(
        store: any ObjectStore,
        transfers: Int,
        meter: PhaseMeter,
        thresholdBytes: Int64 = ServerSideCopy.largestSingleBytes
    ) {
        self.store = store
        self.transfers = transfers
        self.meter = meter
        self.thresholdBytes = thresholdBytes
    }

    /// Makes sure that what is to be copied is what the winning report promises; of a store that keeps
    /// no checksum, each object is read for that, once.
    package func examine(_ copies: [StoreCopy]) async throws(StagingError) {
        _ = try await boundedMap(copies, limit: transfers) { (copy) throws(StagingError) in
            guard let source = copy.source else { return }
            let found = try await self.source(source, of: copy)
            let isProven = try await store.proves(
                found,
                at: source,
                size: copy.size,
                copy.digest,
                name: copy.path.logSafe
            )
            guard isProven else { throw mismatch(source, copy) }
        }
    }

    /// Copies everything, at most `transfers` objects at once, and verifies each.
    package func callAsFunction(_ copies: [StoreCopy]) async throws(StagingError) {
        meter.expect(bytes: copies.reduce(0) { $0 + $1.size }, files: copies.count)
        _ = try await boundedMap(copies, limit: transfers) { (copy) throws(StagingError) in
            try await perform(copy)
        }
    }

    private func perform(_ copy: StoreCopy) async throws(StagingError) {
        if try await info(copy.target, copy)?.isCopy(of: copy) == true {
            return meter.skipped(1)
        }
        let options = PutOptions(metadata: [ObjectInfo.digestName: copy.digest.hex])
        if let source = copy.source {
            try await make(copy, from: source, options)
        } else {
            do throws(S3Error) {
                _ = try await store.put(copy.target, bytes: [], options: options)
            } catch {
                throw .store("store \(copy.path) in Galaxy's object store", error)
            }
        }
        // The noted digest says that it is this copy; entity tags are spelled in more than one way.
        let made = try await info(copy.target, copy)
        guard let made, made.isCopy(of: copy) else {
            throw StagingError(
                .mismatch,
                what: "\(copy.path) was copied to Galaxy's object store and is not the same there",
                place:
                    "\(copy.target): \(made.map { $0.words } ?? "nothing is there"), should have "
                    + "\(copy.size) bytes, digest \(copy.digest.hex)",
                remedy: "Find out who else writes there; collecting again copies it again."
            )
        }
        meter.finished(1)
    }

    /// The object that is to be copied, as it is now, as far as the store knows it.
    private func source(
        _ source: ObjectKey,
        of copy: StoreCopy
    ) async throws(StagingError) -> ObjectInfo {
        guard let found = try await info(source, copy) else {
            throw StagingError(
                .lost,
                what: "The output \(copy.path) is gone from the bucket",
                place: source.logSafe
            )
        }
        guard found.mayHold(size: copy.size, copy.digest) else { throw mismatch(source, copy) }
        return found
    }

    private func mismatch(_ source: ObjectKey, _ copy: StoreCopy) -> StagingError {
        StagingError(
            .mismatch,
            what: "The output \(copy.path) is not in the bucket as the attempt has stored it",
            place: source.logSafe,
            remedy: "Find out who has written there."
        )
    }

    private func make(
        _ copy: StoreCopy,
        from source: ObjectKey,
        _ options: PutOptions
    ) async throws(StagingError) {
        let eTag = try await self.source(source, of: copy).eTag
        let serverSide = ServerSideCopy(
            in: store,
            thresholdBytes: thresholdBytes,
            observe: meter.observer
        )
        do throws(S3Error) {
            _ = try await serverSide.run(
                from: source,
                size: copy.size,
                eTag: eTag,
                to: copy.target,
                options: options
            )
        } catch {
            throw .store("copy \(copy.path) to Galaxy's object store", error)
        }
    }

    private func info(
        _ key: ObjectKey,
        _ copy: StoreCopy
    ) async throws(StagingError) -> ObjectInfo? {
        do throws(S3Error) {
            return try await store.head(key)
        } catch {
            throw .store("look for \(copy.path) at \(key)", error)
        }
    }
}

extension ObjectInfo {
    fileprivate var words: String {
        "it has \(size) bytes, digest \(notedDigest?.hex ?? "unknown")"
    }

    /// Whether the object is what `copy` makes, its noted digest included.
    fileprivate func isCopy(of copy: StoreCopy) -> Bool {
        size == copy.size && notedDigest == copy.digest
            && metadata[Self.digestName] == copy.digest.hex
    }
}
