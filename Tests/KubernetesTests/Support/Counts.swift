// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts two kinds of things, each from 1.
final class Counts: Sendable {
    private let counts = Mutex((0, 0))

    func next(_ isSecond: Bool) -> Int {
        counts.withLock { counts in
            if isSecond {
                counts.1 += 1
                return counts.1
            }
            counts.0 += 1
            return counts.0
        }
    }
}
