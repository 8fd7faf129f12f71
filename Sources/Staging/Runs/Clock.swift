// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc

/// The time, read at the edge so that everything inside is given it.
package enum Clock {
    /// Seconds and nanoseconds since 1970.
    package static func fileTime() -> FileTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return FileTime(now)
    }

    /// Seconds that only go forward, from an arbitrary start.
    package static func monotonicSeconds() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
