// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Time as the client sees it, so that tests never sleep.
package struct StoreClock: Sendable {
    /// The time of day.
    package let now: @Sendable () -> Timestamp
    /// Time since some moment, never going back.
    package let elapsed: @Sendable () -> Duration
    /// Pauses; throws when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Timestamp,
        elapsed: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.elapsed = elapsed
        self.sleep = sleep
    }

    /// The machine's own clocks.
    package static let system = StoreClock(
        now: { Timestamp(seconds: Int64(time(nil))) },
        elapsed: {
            var moment = timespec()
            clock_gettime(CLOCK_MONOTONIC, &moment)
            return .seconds(moment.tv_sec) + .nanoseconds(moment.tv_nsec)
        },
        sleep: { try await Task.sleep(for: $0) }
    )
}
