// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client
import Synchronization

/// Counts what a copy of many files has come to, and tells of each failure when it happens.
///
/// A failure of one file does not stop the others. One that the next file would meet too does: a
/// store that cannot be reached is not asked 20,000 times.
final class CopyTally: Sendable {
    /// What it came to so far.
    struct Count: Sendable, Equatable {
        /// Copied, verified, and under their names.
        var files = 0
        var bytes: Int64 = 0
        /// Not copied, each named.
        var failed = 0
        /// 0, or the exit status that says why; 1 where files failed for different reasons.
        var status: Int32 = 0
        /// Whether the rest was not tried.
        var isStopped = false
        /// Whether that is because somebody interrupted.
        var isInterrupted = false
    }

    private let count = Mutex(Count())
    private let tell: @Sendable (S3Error) -> Void

    /// - Parameter tell: is told each failure, from any task.
    init(tell: @escaping @Sendable (S3Error) -> Void) { self.tell = tell }

    var reading: Count { count.withLock { $0 } }

    func copied(files: Int = 1, bytes: Int64) {
        count.withLock {
            $0.files += files
            $0.bytes += bytes
        }
    }

    /// Nothing new is to be begun.
    func interrupted() {
        count.withLock {
            $0.isStopped = true
            $0.isInterrupted = true
        }
    }

    func failed(_ error: S3Error) {
        let isTold = count.withLock { count in
            // Who interrupts knows; how many files were not tried is told at the end.
            if error.code == .cancelled { return false }
            count.failed += 1
            let isFirst = count.status == 0
            count.status = isFirst || count.status == error.exitStatus ? error.exitStatus : 1
            if error.stopsAll { count.isStopped = true }
            return true
        }
        if isTold { tell(error) }
    }
}

extension S3Error {
    /// Whether the next file would meet the same.
    fileprivate var stopsAll: Bool {
        switch code {
        case .unreachable, .unavailable, .noCredentials, .noSuchBucket, .clockSkew, .untrusted,
            .configuration:
            true
        default: false
        }
    }
}
