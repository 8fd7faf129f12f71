// SPDX-License-Identifier: Apache-2.0

import Digests
import Synchronization

/// Drops a body but for its checksum and length: what a check of stored bytes needs.
package final class DiscardSink: SummingSink {
    private struct State {
        var count: Int64 = 0
        var checksum = CRC64NVME()
    }

    private let state = Mutex(State())

    package init() {}

    /// How many bytes came.
    package var count: Int64 { state.withLock { $0.count } }
    /// Of the bytes that came.
    package var checksum: CRC64NVME { state.withLock { $0.checksum } }

    package func begin(_ head: HTTPResponseHead) {}

    package func write(_ bytes: UnsafeRawBufferPointer) {
        state.withLock {
            $0.checksum.update(bytes)
            $0.count += Int64(bytes.count)
        }
    }
}
