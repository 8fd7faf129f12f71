// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Transport

/// Takes a watch's stream on the transport's thread and gives its lines to a task.
final class WatchFeed: HTTPBodySink {
    enum Item: Sendable {
        /// The server has accepted.
        case began
        case line([UInt8])
    }

    /// Why a stream was cut from our side.
    enum Fault: Error {
        case lineTooLong
        /// Whoever handles the lines is too slow for now.
        case tooMuchWaiting
    }

    private struct State {
        var splitter: LineSplitter
        var waiting = 0
        var fault: Fault?
    }

    /// Ends after `end`.
    let items: AsyncStream<Item>
    private let continuation: AsyncStream<Item>.Continuation
    private let state: Mutex<State>
    private let waitingLimit: Int

    init(_ limits: WatchLimits) {
        (items, continuation) = AsyncStream.makeStream()
        state = Mutex(State(splitter: LineSplitter(limit: limits.lineBytes)))
        waitingLimit = limits.waitingBytes
    }

    var fault: Fault? { state.withLock { $0.fault } }

    func begin(_ head: HTTPResponseHead) { continuation.yield(.began) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            var lines: [[UInt8]] = []
            state.splitter.take(bytes) { if !$0.isEmpty { lines.append(Array($0)) } }
            // A line that was cut is not passed on, nor what came with it.
            if state.splitter.hasCut { state.fault = .lineTooLong }
            state.waiting += lines.reduce(0) { $0 + $1.count }
            if state.waiting > waitingLimit { state.fault = state.fault ?? .tooMuchWaiting }
            if let fault = state.fault { throw fault }
            for line in lines { continuation.yield(.line(line)) }
        }
    }

    /// A line of that many bytes has been handled.
    func handled(_ count: Int) { state.withLock { $0.waiting -= count } }

    /// Nothing more will come.
    func end() { continuation.finish() }
}
