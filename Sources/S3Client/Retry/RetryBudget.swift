// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What all retries of a process share, so that a store in trouble is not buried by them.
///
/// It starts full; a retry takes 14 tokens (5 after a throttle answer), the success of what was
/// retried gives them back, any other success gives one (the AWS SDKs' standard mode).
package final class RetryBudget: Sendable {
    private let capacity: Int
    private let tokens: Mutex<Int>

    /// One for the process.
    package static let shared = RetryBudget()

    package init(capacity: Int = 500) {
        self.capacity = capacity
        tokens = Mutex(capacity)
    }

    /// How many are left.
    package var remaining: Int { tokens.withLock { $0 } }

    /// Takes what a retry costs; nil when there is not enough left.
    func take(_ kind: RetryRules.Kind) -> Int? {
        let cost = kind == .throttle ? 5 : 14
        return tokens.withLock { left in
            guard left >= cost else { return nil }
            left -= cost
            return cost
        }
    }

    /// Gives back after a success: the cost of its last retry, or one.
    func refund(_ cost: Int?) {
        tokens.withLock { $0 = min(capacity, $0 + (cost ?? 1)) }
    }
}
