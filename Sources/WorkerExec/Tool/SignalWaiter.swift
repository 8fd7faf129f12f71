// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Staging
import Synchronization

/// Turns the signals that ask a process to end into streams; none of them ends the worker by
/// itself.
///
/// They are caught by a handler, which is all that works here: Swift's main thread suspends itself
/// with every signal let through, so a signal that is merely blocked elsewhere gets its default
/// action there, which is death, or, for process 1 of a container, nothing at all.
///
/// Each phase listens to a stream of its own, because a stream ends when its listener is cancelled.
final class SignalWaiter: Sendable {
    /// What a container or a person sends to end a program.
    static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

    private struct State {
        var received: [Int32] = []
        var listeners: [AsyncStream<Int32>.Continuation] = []
    }

    private let state = Mutex(State())
    /// The write end of the pipe through which the handler speaks.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Begins to wait, for the rest of this process's life; made once a process.
    init() throws(WorkerFailure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw WorkerFailure(.io, StagingError.system("make", "a pipe"))
        }
        // ProcessLaunch hands on no descriptor, so these need no flag.
        let reading = ends[0]
        Self.pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        let handler: @convention(c) (Int32) -> Void = { number in
            let saved = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(SignalWaiter.pipeEnd.load(ordering: .relaxed), &byte, 1)
            errno = saved
        }
        for number in Self.signals { signal(number, handler) }
        Threads.start { [self] in
            var byte: UInt8 = 0
            while true {
                let count = read(reading, &byte, 1)
                if count == 1 { note(Int32(byte)) } else if errno != EINTR { return }
            }
        }
    }

    /// Every such signal since this value was made: one that comes between two phases is not lost.
    func stream() -> AsyncStream<Int32> {
        AsyncStream { continuation in
            state.withLock { state in
                for signal in state.received { continuation.yield(signal) }
                state.listeners.append(continuation)
            }
        }
    }

    private func note(_ signal: Int32) {
        state.withLock { state in
            state.received.append(signal)
            for listener in state.listeners { listener.yield(signal) }
        }
    }
}
