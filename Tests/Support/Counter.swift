// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts from 1, for closures that run anywhere.
package final class Counter: Sendable {
    private let count = Mutex(0)

    package init() {}

    package var value: Int { count.withLock { $0 } }

    package func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
