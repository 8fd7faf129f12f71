// SPDX-License-Identifier: Apache-2.0

/// How long to pause before a retry: exponential, capped, with full jitter. Pure.
package struct Backoff: Sendable {
    package var cap: Duration = .seconds(20)
    package var transientBase: Duration = .milliseconds(50)
    package var throttleBase: Duration = .seconds(1)

    package init() {}

    /// The longest pause before retry number `retry`, which counts from 1.
    func ceiling(_ kind: RetryRules.Kind, retry: Int) -> Duration {
        let base = kind == .throttle ? throttleBase : transientBase
        return min(cap, base * (1 << min(retry - 1, 20)))
    }

    /// The pause before retry number `retry`: between nothing and the ceiling, and at least `floor`.
    func pause(
        _ kind: RetryRules.Kind,
        retry: Int,
        floor: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let whole = ceiling(kind, retry: retry)
        let share = Int.random(in: 0...1000, using: &generator)
        return max(whole * share / 1000, floor ?? .zero)
    }
}
