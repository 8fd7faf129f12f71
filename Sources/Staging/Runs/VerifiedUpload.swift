// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Uploads, and makes sure that the store has what was read here: its answer names our checksum, or
/// it is asked for the object's size, and its checksum where it keeps one. Only then may anybody rely
/// on the copy.
struct VerifiedUpload: Sendable {
    let store: any ObjectStore
    let meter: PhaseMeter
    var limits = TransferLimits()

    /// Stores `source` at a key of ours alone and returns its checksum.
    ///
    /// - Parameter name: what is uploaded, for messages.
    func callAsFunction(
        _ source: any UploadSource,
        to key: ObjectKey,
        options: PutOptions = PutOptions(),
        name: String
    ) async throws(StagingError) -> CRC64NVME {
        let uploaded: Uploaded
        do throws(S3Error) {
            uploaded = try await send(source, to: key, options)
        } catch {
            throw .store("upload \(name)", error)
        }
        try await check(key, size: source.length, uploaded, name)
        return uploaded.checksum
    }

    /// Stores a pack at a key of ours alone.
    ///
    /// - Parameters:
    ///   - digest: what is said of all its bytes.
    ///   - name: what is uploaded, for messages.
    /// - Returns: what the spec or a report says of it, and what each of its files came to, in order.
    /// - Throws: `.changed` for a file that is no longer the version that was surveyed.
    func pack(
        _ plan: PackPlan,
        to key: ObjectKey,
        digest: PackDigest.Kind,
        name: String
    ) async throws(StagingError) -> (entry: PackEntry, files: [CRC64NVME]) {
        meter.expect(bytes: plan.length, files: plan.count)
        let stream = PackStream(plan, digest: digest)
        var inParts = self
        // Without the others' room: its parts wait for each other in their order.
        inParts.limits = TransferLimits(partBytes: PackStream.partBytes)
        let stored = try await inParts(stream, to: key, name: name)
        let read = stream.finish()
        // Of an upload that is begun anew, parts are read a second time.
        guard stored == read.checksum else {
            throw StagingError(.changed, what: "A file of \(name) changed while it was stored")
        }
        meter.finished(plan.count, packed: plan.count)
        let entry = PackEntry(key: key, size: plan.length, digest: read.pack, files: plan.count)
        return (entry, read.files)
    }

    /// Stores `source` at a key named by its content, unless somebody else has by now: whoever
    /// stores an object there verifies it.
    func unlessPresent(
        _ source: any UploadSource,
        to key: ObjectKey,
        name: String
    ) async throws(StagingError) {
        var uploaded: Uploaded?
        do throws(S3Error) {
            uploaded = try await send(source, to: key, PutOptions(condition: .absent))
        } catch {
            guard error.code == .preconditionFailed else { throw .store("upload \(name)", error) }
        }
        try await check(key, size: source.length, uploaded, name)
    }

    private func send(
        _ source: any UploadSource,
        to key: ObjectKey,
        _ options: PutOptions
    ) async throws(S3Error) -> Uploaded {
        let upload = Upload(to: store, limits: limits, observe: meter.observer)
        return try await upload.run(source, at: key, options: options)
    }

    /// Looks at what is stored, unless the store has said it; a digest is compared where we and the
    /// store both know one.
    ///
    /// - Parameter uploaded: nil for what somebody else has stored.
    private func check(
        _ key: ObjectKey,
        size: Int64,
        _ uploaded: Uploaded?,
        _ name: String
    ) async throws(StagingError) {
        // The sum is of what was read here: an answer that names it leaves nothing to ask.
        if let uploaded, uploaded.isConfirmed { return }
        let digest = uploaded?.checksum
        let found: ObjectInfo?
        do throws(S3Error) {
            found = try await store.head(key)
        } catch {
            throw .store("look at \(name) after its upload", error)
        }
        guard let found else {
            throw StagingError(
                .lost,
                what: "\(name) is not in the bucket after its upload (\(key))"
            )
        }
        let isSame = digest == nil || found.checksum == nil || found.checksum == digest
        guard found.size == size, isSame else {
            throw StagingError(
                .mismatch,
                what: "\(name) is not the same in the bucket after its upload (\(key)): "
                    + "\(found.size) bytes of \(size)"
            )
        }
    }
}
