// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What tasks say of themselves, in the order in which they say it.
package final class TestLog: Sendable {
    private let list = Mutex<[String]>([])

    package init() {}

    package func add(_ line: String) { list.withLock { $0.append(line) } }

    package var all: [String] { list.withLock { $0 } }
}
