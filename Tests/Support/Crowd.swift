// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts who is in at a time, where a limit is to be kept.
package final class Crowd: Sendable {
    private let count = Mutex((now: 0, most: 0))

    package init() {}

    package func enter() {
        count.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    package func leave() { count.withLock { $0.now -= 1 } }

    /// How many were in at once, at most.
    package var most: Int { count.withLock { $0.most } }
}
