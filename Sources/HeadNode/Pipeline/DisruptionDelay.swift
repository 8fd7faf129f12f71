// SPDX-License-Identifier: Apache-2.0

/// How long a run waits before the next try after a disruption.
enum DisruptionDelay {
    /// No wait is longer, in seconds.
    static let longest: Int64 = 300

    /// Doubles with every disruption.
    ///
    /// - Parameters:
    ///   - count: how many disruptions there have been, 1 for the first.
    ///   - first: seconds after the first one.
    static func seconds(
        after count: Int,
        first: Int64
    ) -> Int64 {
        min(longest, first << Int64(max(0, min(count - 1, 16))))
    }
}
