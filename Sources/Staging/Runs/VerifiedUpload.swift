// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Uploads, then looks at what the store has: its size always, its checksum where the store keeps
/// one. Only then may anybody rely on the copy.
struct VerifiedUpload: Sendable {
    let store: any ObjectStore
    let meter: PhaseMeter

    /// Stores `source` at a key of ours alone and returns its checksum.
    ///
    /// - Parameter name: what is uploaded, for messages.
    func callAsFunction(
        _ source: any UploadSource,
        to key: ObjectKey,
        options: PutOptions = PutOptions(),
        name: String
    ) async throws(StagingError) -> CRC64NVME {
        let digest: CRC64NVME
        do throws(S3Error) {
            digest = try await send(source, to: key, options)
        } catch {
            throw .store("upload \(name)", error)
        }
        try await check(key, size: source.length, digest, name)
        return digest
    }

    /// Stores `source` at a key named by its content, unless somebody else has by now: whoever
    /// stores an object there verifies it.
    func unlessPresent(
        _ source: any UploadSource,
        to key: ObjectKey,
        name: String
    ) async throws(StagingError) {
        var digest: CRC64NVME?
        do throws(S3Error) {
            digest = try await send(source, to: key, PutOptions(condition: .absent))
        } catch {
            guard error.code == .preconditionFailed else { throw .store("upload \(name)", error) }
        }
        try await check(key, size: source.length, digest, name)
    }

    private func send(
        _ source: any UploadSource,
        to key: ObjectKey,
        _ options: PutOptions
    ) async throws(S3Error) -> CRC64NVME {
        let upload = Upload(to: store, observe: meter.observer)
        return try await upload.run(source, at: key, options: options).checksum
    }

    /// Looks at what is stored; a digest is compared where we and the store both know one.
    private func check(
        _ key: ObjectKey,
        size: Int64,
        _ digest: CRC64NVME?,
        _ name: String
    ) async throws(StagingError) {
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
