// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Fetches one pack and unpacks it while it arrives; its size and SHA-256 must be the promised ones.
///
/// Whether the bytes are right is known at their end alone. So what looks wrong before, or is at the end,
/// may have been damaged on its way, and comes once more, three times.
struct PackDownload: Sendable {
    private static let attempts = 4

    let store: any ObjectStore
    let meter: PhaseMeter

    func callAsFunction(
        _ pack: PackEntry,
        into target: any PackTarget
    ) async throws(StagingError) {
        for _ in 1..<Self.attempts {
            let part = PhaseMeter(meter.phase)
            do throws(StagingError) {
                return try await once(pack, into: target, part)
            } catch {
                // A damaged name may lead anywhere, and is refused then.
                guard error.code == .mismatch || error.code == .refused else { throw error }
                meter.takeBack(part.reading)
                try target.discard()
            }
        }
        try await once(pack, into: target, PhaseMeter(meter.phase))
    }

    /// - Parameter part: counts what this attempt moves.
    private func once(
        _ pack: PackEntry,
        into target: any PackTarget,
        _ part: PhaseMeter
    ) async throws(StagingError) {
        let sink = PackSink(into: target) { [meter] bytes, files in
            for meter in [meter, part] {
                meter.moved(Int64(bytes))
                meter.finished(files, packed: files)
            }
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
