// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many files this process may have open.
enum OpenFiles {
    /// What we ask for, if the administrator allows as much: children inherit it, and some programs
    /// go through all the numbers there could be.
    private static let wanted: rlim_t = 131_072
    /// What the process needs for itself: connections, the files of transfers and those that wait for
    /// the disk.
    private static let reserve = 768
    /// What a run that is followed needs: its folder and lock, two streams, its log, one to spare.
    private static let eachRun = 6

    /// Raises the limit.
    ///
    /// - Returns: the limit now.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1024
        }
        let target = min(limit.rlim_max, wanted)
        if limit.rlim_cur < target {
            limit.rlim_cur = target
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(min(limit.rlim_cur, rlim_t(Int32.max)))
    }

    /// How many runs can be under way at once.
    static func runs(within limit: Int) -> Int { max(4, (limit - reserve) / eachRun) }
}
