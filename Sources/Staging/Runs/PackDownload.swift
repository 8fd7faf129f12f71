// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Fetches one pack and unpacks it while it arrives; its size and SHA-256 must be the promised ones.
struct PackDownload: Sendable {
    let store: any ObjectStore
    let meter: PhaseMeter

    func callAsFunction(
        _ pack: PackEntry,
        into target: any PackTarget
    ) async throws(StagingError) {
        let sink = PackSink(into: target) { [meter] bytes, files in
            meter.moved(Int64(bytes))
            meter.finished(files, packed: files)
        }
        let info: ObjectInfo
        do throws(S3Error) {
            info = try await store.get(
                pack.key,
                range: nil,
                ifMatch: nil,
                expecting: nil,
                to: sink
            )
        } catch {
            throw .store("fetch the pack \(pack.key)", error)
        }
        let digest = try sink.finish()
        guard info.size == pack.size, digest == pack.sha256 else {
            throw StagingError(
                .mismatch,
                what: "The pack \(pack.key) is not the promised one: it has \(info.size) bytes and "
                    + "SHA-256 \(digest), promised were \(pack.size) and \(pack.sha256)",
                remedy: "Find out what overwrote it; objects of this prefix are written once."
            )
        }
    }
}
