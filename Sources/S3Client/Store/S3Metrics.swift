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

        package init() {}

        /// Requests on the wire.
        package var allRequests: Int { requests.values.reduce(0, +) }
    }

    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    func countRequest(_ operation: S3Operation) {
        state.withLock { $0.requests[operation.rawValue, default: 0] += 1 }
    }

    func countRetry() { state.withLock { $0.retries += 1 } }

    func countSent(_ bytes: Int64) { state.withLock { $0.bytesSent += bytes } }

    func countReceived(_ bytes: Int64) { state.withLock { $0.bytesReceived += bytes } }
}
