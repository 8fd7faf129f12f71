// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names

/// What a file is: its kind, its mode, and the stamp that tells one version of it from another.
package struct FileStatus: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case file
        case directory
        case link
        /// A FIFO, socket or device; the text names it.
        case special(String)
    }

    package let kind: Kind
    package let mode: FileMode
    package let stamp: FileStamp
    /// Whether it is this user's.
    let isOwn: Bool

    /// What `path` is, links followed; nil for nothing, or nothing that can be reached.
    package init?(following path: FilePath) {
        var buffer = stat()
        guard path.withCString({ stat($0, &buffer) }) == 0 else { return nil }
        self.init(buffer)
    }

    /// What a person's own `path` is, relative or not, links followed; nil for nothing, or nothing that
    /// can be reached.
    init?(followingAny path: [UInt8]) {
        var buffer = stat()
        guard path.withCPath({ stat($0, &buffer) }) == 0 else { return nil }
        self.init(buffer)
    }

    /// What is at `path`, itself not followed if it is a link; nil for nothing.
    package init?(at path: FilePath) {
        var buffer = stat()
        guard path.withCString({ lstat($0, &buffer) }) == 0 else { return nil }
        self.init(buffer)
    }

    /// This process's; it has one, and asks once.
    private static let user = geteuid()

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFIFO: .special("FIFO")
            case S_IFSOCK: .special("socket")
            default: .special("device")
            }
        mode = FileMode(UInt32(status.st_mode))
        isOwn = status.st_uid == Self.user
        stamp = FileStamp(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modified: FileTime(status.st_mtim),
            changed: FileTime(status.st_ctim)
        )
    }
}

/// Tells one version of a file from another without reading it.
package struct FileStamp: Sendable, Hashable, Codable {
    package let device: UInt64
    package let inode: UInt64
    package let size: Int64
    /// Last change of the contents (mtime).
    package let modified: FileTime
    /// Last change of anything about the file (ctime); a program cannot set it.
    package let changed: FileTime

    /// Whether both are of one file or directory, whatever has become of it.
    func isOfSameFile(as other: FileStamp) -> Bool {
        device == other.device && inode == other.inode
    }

    package init(
        device: UInt64,
        inode: UInt64,
        size: Int64,
        modified: FileTime,
        changed: FileTime
    ) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    /// How records name this version: size, times and inode. The device is left out, because a
    /// network mount changes its number from boot to boot.
    package var version: String { "\(size)-\(modified)-\(changed)-\(inode)" }

    /// `version` as keys have it.
    package var digest: String { SHA256Digest(of: Array(version.utf8)).hex }

    /// Whether a change right after `now` could go unseen, because the clock that stamps files is
    /// coarse (git's "racily clean" rule): changed less than two seconds before, or in the future.
    package func isRacy(at now: FileTime) -> Bool {
        let newest = max(modified.seconds, changed.seconds)
        return newest > now.seconds - 2
    }
}
