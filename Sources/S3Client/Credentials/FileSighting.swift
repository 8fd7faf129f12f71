// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Which file stood at a path when it was read: enough to see that another one does now.
///
/// Links are followed, so a mounted Secret, whose `..data` link Kubernetes swaps, counts as changed
/// when what it leads to has.
package struct FileSighting: Sendable, Equatable {
    private struct Identity: Sendable, Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        /// Seconds and nanoseconds of the last write, then of the last change of any kind.
        let times: [Int]
    }

    package let path: String
    /// nil where no file was.
    private let identity: Identity?

    /// - Parameter status: of the file as it was opened, before it was read; nil where none was.
    init(_ path: String, _ status: stat?) {
        self.path = path
        identity = status.map { status in
            Identity(
                device: UInt(status.st_dev),
                inode: UInt(status.st_ino),
                size: Int(status.st_size),
                times: [
                    status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                    status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
                ]
            )
        }
    }

    /// Whether the same file, unchanged, is at the path now.
    package var isCurrent: Bool {
        var status = stat()
        return self == FileSighting(path, stat(path, &status) == 0 ? status : nil)
    }
}
