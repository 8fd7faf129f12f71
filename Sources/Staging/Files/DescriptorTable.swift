// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The kernel's table of what this process has open.
package enum DescriptorTable {
    /// As many as fit in a table of 8 KiB, and as a process may have open unless somebody says otherwise.
    private static let places: Int32 = 1024

    /// Has it grow at once, while there is one thread. It begins with 64 places; each time that it must grow
    /// while threads share it, whoever opens the file waits until every processor has been through the
    /// kernel (`expand_fdtable` in Linux' fs/file.c): 10 to 20 ms where all are busy.
    package static func grow() {
        let highest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, places - 1)
        // Where fewer are allowed, it grows when it must.
        if highest >= 0 { close(highest) }
    }
}
