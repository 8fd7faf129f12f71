// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names

/// Who bubblewrap, the worker and the tool are on this machine.
///
/// A tool is never root: of what it can see, it would read what is root's alone.
struct LocalUser: Sendable, Equatable {
    let user: UInt32
    let group: UInt32
    /// Whether this is another user than this process's.
    let isOther: Bool

    /// Nobody's number on any distribution; the one that container images use for it.
    private static let nobody: UInt32 = 65532

    /// This process's own user, or a powerless one for root.
    static var own: LocalUser {
        geteuid() == 0
            ? LocalUser(user: nobody, group: nobody, isOther: true)
            : LocalUser(user: geteuid(), group: getegid(), isOther: false)
    }

    /// The first directory on the way to `path` that this user cannot go through; nil if there is
    /// none. By mode bits alone: an access control list may say more.
    func obstacle(to path: FilePath) -> FilePath? {
        var below = path
        var found: FilePath?
        while below != .root, let parent = below.parent {
            var status = stat()
            if parent.withCString({ stat($0, &status) }) == 0 {
                let bit: mode_t =
                    status.st_uid == user ? 0o100 : status.st_gid == group ? 0o010 : 0o001
                if status.st_mode & bit == 0 { found = parent }
            }
            below = parent
        }
        return found
    }
}
