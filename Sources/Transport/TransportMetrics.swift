// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a transport has done so far. Counters only grow, and can be read from any thread.
package final class TransportMetrics: Sendable {
    private let requestCount = Atomic<Int64>(0)
    private let sentCount = Atomic<Int64>(0)
    private let receivedCount = Atomic<Int64>(0)
    private let connectionCount = Atomic<Int64>(0)

    package init() {}

    /// Requests that were about to be put on a connection.
    package var requests: Int64 { requestCount.load(ordering: .relaxed) }
    /// Bytes of request bodies handed to connections.
    package var bytesUp: Int64 { sentCount.load(ordering: .relaxed) }
    /// Bytes of response bodies received, error bodies included.
    package var bytesDown: Int64 { receivedCount.load(ordering: .relaxed) }
    /// Connections opened by finished requests.
    package var connectionsOpened: Int64 { connectionCount.load(ordering: .relaxed) }

    func countRequest() { requestCount.wrappingAdd(1, ordering: .relaxed) }
    func countUp(_ bytes: Int) { sentCount.wrappingAdd(Int64(bytes), ordering: .relaxed) }
    func countDown(_ bytes: Int) { receivedCount.wrappingAdd(Int64(bytes), ordering: .relaxed) }
    func countConnections(_ count: Int) {
        connectionCount.wrappingAdd(Int64(count), ordering: .relaxed)
    }
}
