// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts what was asked of a store; it can be read at any time.
package final class S3Metrics: Sendable {
    /// The counts at one moment.
    package struct Counts: Sendable, Equatable {
        /// Requests on the wire, retries among them, by operation, such as `PutObject`.
        package var requests: [String: Int] = [:]
        /// Attempts after the first.
        package var retries = 0
        /// Bytes of objects and parts whose upload was acknowledged.
        package var bytesSent: Int64 = 0
        /// Bytes of objects received.
        package var bytesReceived: Int64 = 0

        /// Attempts that failed, by operation and by what was done about it.
        package var failures: [Failure: Int] = [:]

        package init() {}

        /// Requests on the wire.
        package var allRequests: Int { requests.values.reduce(0, +) }
    }

    /// A kind of attempt that failed.
    package struct Failure: Sendable, Hashable {
        /// Such as `PutObject`.
        package var operation: String
        /// `transient`, `throttle`, `mismatch`, `correction`, or the code of the error that the
        /// caller got.
        package var kind: String
    }

    private let state = Mutex(Counts())
    private let parent: S3Metrics?

    /// - Parameter parent: counts everything that is counted here too.
    package init(parent: S3Metrics? = nil) { self.parent = parent }

    package var counts: Counts { state.withLock { $0 } }

    func countRequest(_ operation: S3Operation) {
        count { $0.requests[operation.rawValue, default: 0] += 1 }
    }

    func countRetry() { count { $0.retries += 1 } }

    func countFailure(_ operation: S3Operation, _ kind: String) {
        count { $0.failures[Failure(operation: operation.rawValue, kind: kind), default: 0] += 1 }
    }

    func countSent(_ bytes: Int64) { count { $0.bytesSent += bytes } }

    func countReceived(_ bytes: Int64) { count { $0.bytesReceived += bytes } }

    private func count(_ change: (inout Counts) -> Void) {
        state.withLock { change(&$0) }
        parent?.count(change)
    }
}
