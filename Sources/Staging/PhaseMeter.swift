// SPDX-License-Identifier: Apache-2.0

import S3Client
import Synchronization

/// Counts what one phase has moved so far; read by whoever shows progress, at their own pace.
package final class PhaseMeter: Sendable {
    package struct Reading: Sendable, Equatable {
        package var bytes: Int64 = 0
        package var totalBytes: Int64 = 0
        package var files = 0
        package var totalFiles = 0
        /// Of the files, those that travelled in packs.
        package var packed = 0
        /// Files that did not have to travel, because they were in the bucket already.
        package var alreadyThere = 0
        /// Of the files, those that the node's cache had.
        package var cachedFiles = 0
        /// Bytes that came from there; not among `bytes`.
        package var cachedBytes: Int64 = 0

        package init() {}
    }

    /// The phase's name: `stage`, `fetch`, `tool`, `push`, `collect`.
    package let phase: String
    private let state = Mutex(Reading())

    package init(_ phase: String) { self.phase = phase }

    /// What has been counted so far.
    package var reading: Reading { state.withLock { $0 } }

    /// Announces work to come.
    package func expect(bytes: Int64, files: Int) {
        state.withLock {
            $0.totalBytes += bytes
            $0.totalFiles += files
        }
    }

    /// Counts what a transfer moves.
    package var observer: TransferObserver {
        { [self] event in if case .moved(let bytes) = event { moved(bytes) } }
    }

    /// Counts bytes moved.
    package func moved(_ bytes: Int64) { state.withLock { $0.bytes += bytes } }

    /// Counts files finished.
    package func finished(_ files: Int, packed: Int = 0) {
        state.withLock {
            $0.files += files
            $0.packed += packed
        }
    }

    /// Takes back what was counted of something that is done once more.
    func takeBack(_ part: Reading) {
        moved(-part.bytes)
        finished(-part.files, packed: -part.packed)
    }

    /// Counts files that came from the node's cache.
    func cached(_ files: Int, bytes: Int64) {
        state.withLock {
            $0.cachedFiles += files
            $0.cachedBytes += bytes
        }
    }

    /// Counts files that were there already.
    package func skipped(_ files: Int) { state.withLock { $0.alreadyThere += files } }
}
