// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// Gives a body's lines to a function, while they arrive.
final class LineSink: HTTPBodySink {
    private struct State {
        var splitter: LineSplitter
        var count = 0
    }

    private let state: Mutex<State>
    private let each: @Sendable (ArraySlice<UInt8>) -> Void

    init(limit: Int, each: @escaping @Sendable (ArraySlice<UInt8>) -> Void) {
        state = Mutex(State(splitter: LineSplitter(limit: limit)))
        self.each = each
    }

    /// Whether a byte has come.
    var isUsed: Bool { state.withLock { $0.count > 0 } }

    func begin(_ head: HTTPResponseHead) {}

    func write(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            state.count += bytes.count
            state.splitter.take(bytes, each: each)
        }
    }

    /// The body is over: what came last is a line too.
    func finish() { state.withLock { $0.splitter.finish(each: each) } }
}
