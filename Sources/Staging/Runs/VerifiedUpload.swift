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

    /// - Parameters:
    ///   - condition: when it does not hold, the object that is there is looked at in place of ours.
    ///   - name: what is uploaded, for messages.
    func callAsFunction(
        _ source: any UploadSource,
        to key: ObjectKey,
        options: PutOptions = PutOptions(),
        condition: PutCondition? = nil,
        name: String
    ) async throws(StagingError) -> CRC64NVME {
        var options = options
        options.condition = condition
        let digest: CRC64NVME
        do throws(S3Error) {
            let upload = Upload(to: store, observe: meter.observer)
            digest = try await upload.run(source, at: key, options: options).checksum
        } catch {
            guard error.code == .preconditionFailed, condition != nil else {
                throw .store("upload \(name)", error)
            }
            // A content-named object that is there already was verified by whoever stored it.
            return CRC64NVME()
        }
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
        guard found.size == source.length, found.checksum ?? digest == digest else {
            throw StagingError(
                .mismatch,
                what: "\(name) is not the same in the bucket after its upload (\(key)): "
                    + "\(found.size) bytes of \(source.length)"
            )
        }
        return digest
    }
}
