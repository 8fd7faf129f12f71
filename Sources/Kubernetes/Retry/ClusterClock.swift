// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Time as the client sees it, so that tests never sleep.
package struct ClusterClock: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package let now: @Sendable () -> Int64
    /// Time since some moment, never going back.
    package let elapsed: @Sendable () -> Duration
    /// Pauses; throws when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Int64,
        elapsed: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.elapsed = elapsed
        self.sleep = sleep
    }

    /// The machine's own clocks.
    package static let system = ClusterClock(
        now: { Int64(time(nil)) },
        elapsed: {
            var moment = timespec()
            clock_gettime(CLOCK_MONOTONIC, &moment)
            return .seconds(moment.tv_sec) + .nanoseconds(moment.tv_nsec)
        },
        sleep: { try await Task.sleep(for: $0) }
    )
}
