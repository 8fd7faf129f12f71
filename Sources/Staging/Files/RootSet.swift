// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names

/// The open roots of a job: turns an absolute path into a directory we hold and a path below it.
///
/// A path outside every root is refused here, before any system call.
package struct RootSet: Sendable {
    private let roots: [Directory]

    /// Opens every root; each must be there.
    package init(_ paths: [FilePath]) throws(StagingError) {
        var roots: [Directory] = []
        for path in paths { roots.append(try Directory(path: path)) }
        self.init(open: roots)
    }

    /// Takes roots that are open, wherever they are.
    package init(open roots: [Directory]) {
        // The longest first, so that a nested root wins over the one around it.
        self.roots = roots.sorted { $0.path.bytes.count > $1.path.bytes.count }
    }

    /// The root that holds `path`, and where below it.
    package func locate(_ path: FilePath) throws(StagingError) -> (Directory, RelativePath) {
        for root in roots {
            if let relative = path.relative(to: root.path) { return (root, relative) }
        }
        throw StagingError(
            .refused,
            what: "\(path) is outside the job's directories",
            remedy: "Only paths below the job directory, its inputs and its outputs are used."
        )
    }

    /// Whether `path` is a root or below one.
    package func holds(_ path: FilePath) -> Bool {
        roots.contains { path.isAtOrBelow($0.path) }
    }

    /// The root that is exactly `path`, if one is.
    package func root(at path: FilePath) -> Directory? { roots.first { $0.path == path } }

    /// What is at `path`; nil for nothing.
    package func status(_ path: FilePath) throws(StagingError) -> FileStatus? {
        if let root = root(at: path) { return try root.descriptor.status() }
        let (root, relative) = try locate(path)
        return try root.status(relative)
    }

    /// Whether nothing is at `path`, which a root may hold.
    func isMissing(_ path: FilePath) throws(StagingError) -> Bool {
        guard root(at: path) == nil, holds(path) else { return false }
        return try status(path) == nil
    }

    /// Opens the directory at `path`.
    package func directory(_ path: FilePath) throws(StagingError) -> Directory {
        if let root = root(at: path) { return root }
        let (root, relative) = try locate(path)
        return try root.directory(relative)
    }

    /// Opens the directory at `path`, or the closest one above it that is there.
    func closestDirectory(to path: FilePath) throws(StagingError) -> Directory {
        var closest = path
        while root(at: closest) == nil, try status(closest)?.kind != .directory,
            let parent = closest.parent
        {
            closest = parent
        }
        return try directory(closest)
    }

    /// Opens the file at `path` for reading; never blocks on a FIFO.
    package func open(_ path: FilePath) throws(StagingError) -> Descriptor {
        let (root, relative) = try locate(path)
        return try root.open(relative, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
    }

    /// Makes a new, empty file at `path` and its missing parents, replacing a file that is there.
    package func create(_ path: FilePath) throws(StagingError) -> Descriptor {
        if let file = try createIfFree(path) { return file }
        let (root, relative) = try locate(path)
        if relative.components.count > 1, let parent = path.parent {
            try makeDirectories(parent)
        }
        try root.remove(relative)
        return try root.open(relative, O_RDWR | O_CREAT | O_EXCL, action: "create")
    }

    /// Makes a new, empty file at `path`; nil when something has its name, or its directory is not
    /// there. One system call: most files of a tree come to a directory that is there already.
    func createIfFree(_ path: FilePath) throws(StagingError) -> Descriptor? {
        let (root, relative) = try locate(path)
        return try root.createIfFree(relative)
    }

    /// Makes a directory and its missing parents.
    package func makeDirectories(_ path: FilePath) throws(StagingError) {
        if root(at: path) != nil { return }
        let (root, relative) = try locate(path)
        try root.makeDirectories(relative)
    }

    /// Makes a directory that its owner can fill, whatever mode it had; `finish` gives it its own.
    package func prepare(_ directory: DirectoryEntry) throws(StagingError) {
        try makeDirectories(directory.path)
        guard root(at: directory.path) == nil else { return }
        let (root, relative) = try locate(directory.path)
        guard let status = try root.status(relative), status.mode.bits & 0o700 != 0o700 else {
            return
        }
        try root.allowEntry(relative)
    }

    /// Makes a symbolic link and its missing parents.
    package func makeLink(_ link: LinkEntry) throws(StagingError) {
        let (root, relative) = try locate(link.path)
        if relative.components.count > 1, let parent = link.path.parent {
            try makeDirectories(parent)
        }
        try root.makeLink(relative, to: link.target)
    }

    /// Gives a directory its mode and time.
    package func finish(_ directory: DirectoryEntry) throws(StagingError) {
        if let root = root(at: directory.path) {
            return try root.descriptor.set(
                mode: directory.mode,
                modified: directory.modified,
                name: directory.path
            )
        }
        let (root, relative) = try locate(directory.path)
        try root.setDirectory(relative, mode: directory.mode, modified: directory.modified)
    }

    /// Renames `from` to `to` in the same directory, replacing what is there, atomically.
    package func rename(
        _ from: FilePath,
        to: FilePath
    ) throws(StagingError) {
        let (root, source) = try locate(from)
        let (other, target) = try locate(to)
        guard root === other else {
            throw StagingError(.io, what: "Cannot rename \(from) to \(to) across roots")
        }
        try root.rename(source, to: target)
    }

    /// Removes a file or link; nothing there is fine.
    package func remove(_ path: FilePath) throws(StagingError) {
        let (root, relative) = try locate(path)
        try root.remove(relative)
    }

    /// Removes an empty directory.
    func removeDirectory(_ path: FilePath) throws(StagingError) {
        let (root, relative) = try locate(path)
        try root.removeDirectory(relative)
    }

    /// The least free space of all roots, in bytes, and where.
    package func leastFree() throws(StagingError) -> (Int64, FilePath)? {
        var least: (Int64, FilePath)?
        for root in roots {
            let free = try root.freeBytes()
            if free < least?.0 ?? .max { least = (free, root.path) }
        }
        return least
    }
}
