// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging

/// Turns the signals that ask a process to end into a stream; none of them ends the worker by
/// itself.
///
/// The signals are blocked in every thread (boot.c does it before any thread starts) and one
/// thread waits for them.
enum SignalWaiter {
    /// What a container or a person sends to end a program.
    static let signals: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

    /// Every such signal from now on.
    static func stream() -> AsyncStream<Int32> {
        AsyncStream { continuation in
            Threads.start {
                var set = sigset_t()
                sigemptyset(&set)
                for signal in signals { sigaddset(&set, signal) }
                var signal: Int32 = 0
                while sigwait(&set, &signal) == 0 { continuation.yield(signal) }
                continuation.finish()
            }
        }
    }
}
