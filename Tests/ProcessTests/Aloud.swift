// SPDX-License-Identifier: Apache-2.0

import Glibc

/// For whoever watches a long test.
enum Aloud {
    static func say(_ line: String) {
        _ = (line + "\n").withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
