// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging
import Synchronization

/// Turns the signals that ask a process to end into streams; none of them ends the worker by
/// itself.
///
/// The signals are blocked in every thread (boot.c does it before any thread starts) and one
/// thread waits for them. Each phase listens to a stream of its own, because a stream ends when its
/// listener is cancelled.
final class SignalWaiter: Sendable {
    /// What a container or a person sends to end a program.
    static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

    private struct State {
        var received: [Int32] = []
        var listeners: [AsyncStream<Int32>.Continuation] = []
    }

    private let state = Mutex(State())

    /// Begins to wait, for the rest of this process's life.
    init() {
        Threads.start { [self] in
            var set = sigset_t()
            sigemptyset(&set)
            for signal in Self.signals { sigaddset(&set, signal) }
            var signal: Int32 = 0
            while sigwait(&set, &signal) == 0 { note(signal) }
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
