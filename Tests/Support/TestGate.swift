// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Holds work back until the test says so.
package final class TestGate: Sendable {
    private let isOpen = Atomic(false)

    package init() {}

    package func open() { isOpen.store(true, ordering: .relaxed) }

    package func wait() async { while !isOpen.load(ordering: .relaxed) { await Task.yield() } }
}

/// Waits until `condition` holds, as long as it takes.
package func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}
