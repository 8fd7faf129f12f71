// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Transport

/// What an upload has stored.
package struct Uploaded: Sendable, Equatable {
    package let eTag: ETag
    package let size: Int64
    /// Of the whole object, summed up from what was read and sent.
    package let checksum: CRC64NVME
    /// Whether the store's own answer had this checksum, so that nobody need look.
    package let isConfirmed: Bool

    package init(eTag: ETag, size: Int64, checksum: CRC64NVME, isConfirmed: Bool = false) {
        self.eTag = eTag
        self.size = size
        self.checksum = checksum
        self.isConfirmed = isConfirmed
    }
}

/// Uploads one object of any size: one put, or parts in parallel.
///
/// The checksum of each piece is calculated from the source before the piece is sent, so the store
/// refuses anything that was damaged on its way. When an upload in parts fails or is cancelled, it
/// is aborted before the error is thrown; when somebody else has aborted it, it is begun anew.
package struct Upload: Sendable {
    /// How often an upload in parts is begun.
    private static let attempts = 3

    private let store: any ObjectStore
    private let limits: TransferLimits
    private let observe: TransferObserver

    package init(
        to store: any ObjectStore,
        limits: TransferLimits = TransferLimits(),
        observe: @escaping TransferObserver = { _ in }
    ) {
        self.store = store
        self.limits = limits
        self.observe = observe
    }

    /// Stores all of `source` at `key`.
    package func run(
        _ source: some UploadSource,
        at key: ObjectKey,
        options: PutOptions = PutOptions()
    ) async throws(S3Error) -> Uploaded {
        let plan = try PartPlan(
            totalBytes: source.length,
            preferredPartBytes: limits.partBytes(of: source.length),
            thresholdBytes: limits.thresholdBytes
        )
        return plan.isSingle
            ? try await putWhole(source, at: key, options)
            : try await putParts(source, at: key, plan, options)
    }

    private func putWhole(
        _ source: some UploadSource,
        at key: ObjectKey,
        _ options: PutOptions
    ) async throws(S3Error) -> Uploaded {
        let bytes = try await source.allBytes(of: key)
        let receipt = try await store.put(
            key,
            body: bytes.body,
            checksum: bytes.checksum,
            options: options
        )
        observe(.moved(bytes: source.length))
        return Uploaded(
            eTag: receipt.eTag,
            size: source.length,
            checksum: bytes.checksum,
            isConfirmed: receipt.checksum == bytes.checksum
        )
    }

    private func putParts(
        _ source: some UploadSource,
        at key: ObjectKey,
        _ plan: PartPlan,
        _ options: PutOptions
    ) async throws(S3Error) -> Uploaded {
        for attempt in 2...Self.attempts {
            do throws(S3Error) {
                return try await putPartsOnce(source, at: key, plan, options)
            } catch {
                // A rule of the bucket's, or a person, has cleaned up. The bytes are still here.
                guard error.code == .noSuchUpload else { throw error }
                observe(.restarted(attempt: attempt, why: error.headline))
            }
        }
        return try await putPartsOnce(source, at: key, plan, options)
    }

    private func putPartsOnce(
        _ source: some UploadSource,
        at key: ObjectKey,
        _ plan: PartPlan,
        _ options: PutOptions
    ) async throws(S3Error) -> Uploaded {
        let upload = try await store.createMultipart(key, options: options)
        return try await store.abortingOnFailure(key, upload) { () throws(S3Error) -> Uploaded in
            let parts = try await inParallel(1...plan.count, limits) {
                [store, observe] number throws(S3Error) in
                let range = plan.range(ofPart: number)
                let bytes = try await source.bytes(range, of: key)
                let part = try await store.uploadPart(
                    key,
                    upload: upload,
                    number: number,
                    body: bytes.body,
                    checksum: bytes.checksum
                )
                observe(.moved(bytes: range.length))
                return part
            }
            var checksum = CRC64NVME()
            for part in parts {
                guard let piece = part.checksum else { continue }
                checksum.append(piece, length: plan.range(ofPart: part.number).length)
            }
            let receipt = try await store.completeMultipart(
                key,
                upload: upload,
                parts: parts,
                checksum: checksum,
                condition: options.condition
            )
            return Uploaded(
                eTag: receipt.eTag,
                size: source.length,
                checksum: checksum,
                isConfirmed: receipt.checksum == checksum
            )
        }
    }
}

extension ObjectStore {
    /// Runs `work`; when it throws, the upload is aborted first, also in a cancelled task.
    func abortingOnFailure<Result: Sendable>(
        _ key: ObjectKey,
        _ upload: UploadID,
        _ work: () async throws(S3Error) -> Result
    ) async throws(S3Error) -> Result {
        do throws(S3Error) { return try await work() } catch {
            // A bridge out of the cancelled task: what is left of the upload costs money until it is
            // aborted. It is waited for, and the store's own policy bounds it. What it throws is
            // less than what went wrong before.
            await Task { try? await abortMultipart(key, upload: upload) }.value
            throw error
        }
    }
}

extension HTTPBody {
    /// The checksum of all bytes, read once.
    func checksum(of key: ObjectKey) throws(S3Error) -> CRC64NVME {
        var sum = CRC64NVME()
        try forEachPiece(for: key) { sum.update($0) }
        return sum
    }

    /// All bytes, read once; for a body that is known to be small.
    func allBytes(for key: ObjectKey) throws(S3Error) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(length))
        try forEachPiece(for: key) { bytes += $0 }
        return bytes
    }

    /// Reads all bytes, in pieces that stay in the processor's cache.
    private func forEachPiece(
        for key: ObjectKey,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(S3Error) {
        do {
            let reader = try makeReader()
            var count: Int64 = 0
            let room = Int(min(max(length, 1), 1 << 18))
            try withUnsafeTemporaryAllocation(byteCount: room, alignment: 16) { buffer in
                while true {
                    let got = try reader.read(into: buffer)
                    if got == 0 { return }
                    take(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
                    count += Int64(got)
                }
            }
            guard count == length else {
                throw S3Error(
                    .source,
                    what:
                        "Cannot upload \(key): it has \(count) bytes where \(length) were expected",
                    remedy: "Keep the file unchanged while it is uploaded."
                )
            }
        } catch let error as S3Error {
            throw error
        } catch {
            throw S3Error(.source, what: "Cannot upload \(key): it cannot be read", cause: error)
        }
    }
}
