// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps a body in memory, up to a limit.
package final class MemorySink: HTTPBodySink {
    private struct State {
        var head: HTTPResponseHead?
        var bytes: [UInt8] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: in bytes; one more, and the transfer ends with `BodyTooLong`.
    package init(limit: Int) { self.limit = limit }

    /// What has come so far.
    package var bytes: [UInt8] { state.withLock { $0.bytes } }
    /// The head of the response whose body this is.
    package var head: HTTPResponseHead? { state.withLock { $0.head } }

    /// Forgets what came before: a new response has the whole body.
    package func begin(_ head: HTTPResponseHead) {
        state.withLock { $0 = State(head: head) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard bytes.count <= limit - state.bytes.count
            else { throw BodyTooLong(limit: Int64(limit)) }
            state.bytes += bytes
        }
    }
}
