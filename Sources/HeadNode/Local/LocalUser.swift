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

    /// Whom a program must be started as; nil for this process's own user.
    var ifOther: UInt32? { isOther ? user : nil }

    /// Nobody's number on any distribution; the one that container images use for it.
    private static let nobody: UInt32 = 65532

    /// This process's own user, or a powerless one for root.
    ///
    /// In a user namespace that has no other user than its root there is nobody to become; that
    /// root is an ordinary user outside, and the tool is given the powerless one's number alone.
    static var own: LocalUser {
        guard geteuid() == 0 else {
            return LocalUser(user: geteuid(), group: getegid(), isOther: false)
        }
        let isThere = ["uid_map", "gid_map"]
            .allSatisfy { name in
                ids(in: contents(of: "/proc/self/\(name)")).contains { $0.contains(nobody) }
            }
        return LocalUser(user: nobody, group: nobody, isOther: isThere)
    }

    /// The numbers that a map knows: each line is the first inside, the first outside, how many
    /// (user_namespaces(7)).
    static func ids(in map: [UInt8]) -> [Range<UInt32>] {
        map.split(separator: UInt8(ascii: "\n"))
            .compactMap { line in
                let words = line.split(separator: UInt8(ascii: " "))
                    .compactMap { UInt32(String(decoding: $0, as: UTF8.self)) }
                guard words.count == 3 else { return nil }
                let (end, isTooMuch) = words[0].addingReportingOverflow(words[2])
                return words[0]..<(isTooMuch ? .max : end)
            }
    }

    private static func contents(of path: String) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(fd, &buffer, buffer.count)
        return Array(buffer.prefix(max(count, 0)))
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
