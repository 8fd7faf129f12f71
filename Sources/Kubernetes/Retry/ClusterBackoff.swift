// SPDX-License-Identifier: Apache-2.0

/// How long to pause before a retry: exponential, capped, with full jitter. Pure.
struct ClusterBackoff: Sendable {
    var base: Duration = .milliseconds(200)
    var cap: Duration

    /// For a call somebody waits for.
    static let calls = ClusterBackoff(cap: .seconds(15))
    /// For a watch, which goes on for ever.
    static let watches = ClusterBackoff(cap: .seconds(30))

    /// The longest pause before retry number `retry`, which counts from 1.
    func ceiling(retry: Int) -> Duration { min(cap, base * (1 << min(max(retry, 1) - 1, 20))) }

    /// The pause before retry number `retry`: between nothing and the ceiling, and at least `floor`.
    func pause(
        retry: Int,
        floor: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let share = Int.random(in: 0...1000, using: &generator)
        return max(ceiling(retry: retry) * share / 1000, floor ?? .zero)
    }
}
