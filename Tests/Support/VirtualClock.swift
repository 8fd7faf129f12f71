// SPDX-License-Identifier: Apache-2.0

import S3Client
import Synchronization

/// A clock that goes on only while somebody sleeps on it, so that no test ever waits.
package final class VirtualClock: Sendable {
    private struct State {
        var now: Int64
        var elapsed: Duration = .zero
        var pauses: [Duration] = []
    }

    private let state: Mutex<State>

    package init(startingAt seconds: Int64 = 1_700_000_000) {
        state = Mutex(State(now: seconds))
    }

    /// All pauses so far.
    package var pauses: [Duration] { state.withLock { $0.pauses } }

    package func advance(by seconds: Int64) {
        state.withLock { state in
            state.now += seconds
            state.elapsed += .seconds(seconds)
        }
    }

    /// The time of day changes, and no time passes.
    package func jump(by seconds: Int64) { state.withLock { $0.now += seconds } }

    /// Seconds since 1970-01-01T00:00:00Z.
    package var now: Int64 { state.withLock { $0.now } }

    package var elapsed: Duration { state.withLock { $0.elapsed } }

    /// Makes the time pass, and takes none.
    package func sleep(_ pause: Duration) throws {
        try Task.checkCancellation()
        state.withLock { state in
            let before = state.elapsed.components.seconds
            state.elapsed += pause
            state.now += state.elapsed.components.seconds - before
            state.pauses.append(pause)
        }
    }

    package var storeClock: StoreClock {
        StoreClock(
            now: { [self] in Timestamp(seconds: now) },
            elapsed: { [self] in elapsed },
            sleep: { [self] in try sleep($0) }
        )
    }
}
