// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Children that outlive the work they were started for, so that none stays a zombie.
enum Children {
    private static let started = Mutex<Set<pid_t>>([])

    /// Notes a child, and reaps those noted before that have ended.
    static func reapLater(_ pid: pid_t) {
        started.withLock { pids in
            pids = pids.filter { waitpid($0, nil, WNOHANG) == 0 }
            pids.insert(pid)
        }
    }
}
