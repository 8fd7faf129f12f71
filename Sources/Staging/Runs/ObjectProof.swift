// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import Transport

extension ObjectInfo {
    /// Whether the object has this size and, if the store knows its checksum, this one. A store that
    /// keeps none has said nothing of the bytes: see `ObjectStore.proves`.
    func mayHold(
        size: Int64,
        _ checksum: CRC64NVME
    ) -> Bool {
        self.size == size && (self.checksum ?? checksum) == checksum
    }
}

extension ObjectStore {
    /// Whether the object at `key` has these bytes (invariant 2): the store's checksum says so, or,
    /// where it keeps none, the bytes themselves, which are read to their end.
    ///
    /// - Parameters:
    ///   - info: what the store has just said of the object.
    ///   - name: what the object is, for messages.
    func proves(
        _ info: ObjectInfo,
        at key: ObjectKey,
        size: Int64,
        _ digest: CRC64NVME,
        name: String
    ) async throws(StagingError) -> Bool {
        guard info.mayHold(size: size, digest) else { return false }
        if info.checksum != nil { return true }
        do throws(S3Error) {
            let read = try await get(
                key,
                range: nil,
                ifMatch: nil,
                expecting: digest,
                to: DiscardSink()
            )
            return read.size == size
        } catch {
            if error.code == .corrupted { return false }
            throw .store("read \(name)", error)
        }
    }
}
