// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client

/// Downloads one input from the store, verified, into an open file.
struct InputDownload: Sendable {
    let store: any ObjectStore
    let meter: PhaseMeter
    let limits: TransferLimits

    /// - Parameter place: where the file is, for messages.
    func callAsFunction(
        _ input: InputEntry,
        into file: Descriptor,
        named place: FilePath
    ) async throws(StagingError) {
        let name = "fetch \(input.path)"
        do throws(S3Error) {
            let download = FileDownload(from: store, limits: limits, observe: meter.observer)
            _ = try await download.run(
                input.key,
                expecting: ExpectedObject(
                    size: input.size,
                    checksum: input.digest,
                    eTag: input.galaxyObject.map { ETag($0.eTag) }
                ),
                into: file.raw,
                named: place.logSafe
            )
        } catch {
            guard error.code == .preconditionFailed else { throw .store(name, error) }
            throw StagingError(
                .mismatch,
                what: "Cannot \(name): Galaxy's object store has another object there by now",
                place: input.key.logSafe,
                cause: error
            )
        }
    }
}
