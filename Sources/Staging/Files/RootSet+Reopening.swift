// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names

extension RootSet {
    /// Opens what a tool has shut: the directories at and above `paths` that their owner, this user, may
    /// not enter or list.
    ///
    /// Only after the tool's processes are gone. What is another user's stays as it is: whoever wants
    /// something in it is told.
    package func reopen(_ paths: [FilePath]) {
        for path in paths {
            if let root = root(at: path) {
                root.reopenItself()
            } else if let (root, relative) = try? locate(path) {
                root.reopenItself()
                root.reopen(relative)
            }
        }
    }
}

extension Directory {
    fileprivate func reopenItself() {
        guard let mode = try? descriptor.status().mode, let wanted = mode.reopened else { return }
        _ = fchmod(descriptor.raw, mode_t(wanted.bits))
    }

    /// Opens the directories down to `relative`, if that is one including it.
    fileprivate func reopen(_ relative: RelativePath) {
        var way: [UInt8] = []
        for component in relative.components {
            way += (way.isEmpty ? [] : [FilePath.separator]) + component
            guard let place = try? RelativePath(way), let status = try? status(place),
                status.kind == .directory
            else { return }
            _ = try? reopened(place, status)
        }
    }

    /// What is at `place` once its owner, this user, may enter and list it; nil for a directory that is
    /// open already.
    ///
    /// - Throws: `.unreadable` for another user's.
    func reopened(
        _ place: RelativePath,
        _ status: FileStatus
    ) throws(StagingError) -> FileStatus? {
        guard status.kind == .directory, let wanted = status.mode.reopened else { return nil }
        try allowEntry(place, mode: wanted)
        return try self.status(place)
    }
}

extension FileMode {
    /// The mode of a shut directory when it is open to its owner; nil for one that is.
    fileprivate var reopened: FileMode? {
        bits & 0o500 == 0o500 ? nil : FileMode(bits | 0o700)
    }
}
