// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Glibc
import Names

/// A folder of a node where workers keep what many jobs read, so that the store is asked once.
///
/// ```
/// <folder>/galaxy-s3-<user>/        this user's alone, mode 0700
///     lock                          held while room is made and a part is begun
///     input-… , pack-…              whole files; the time of change is that of the last use
///     input-….part                  being brought by whoever holds its lock
/// ```
///
/// Locks are flock(2)'s: the kernel lets go of them however a worker ends, and what it left as a
/// part is begun anew by the next. A file becomes whole by rename and is never changed afterwards.
/// Who reads one has it open, so removing it takes nothing from anybody. What is in it is only ever
/// believed once the copy that a job gets has been held against the spec.
package struct NodeCache: Sendable {
    private let folder: Directory
    /// What it may hold, in bytes.
    private let capacity: Int64

    /// What may be done about a file that is not there.
    enum Claim {
        /// It is there by now.
        case whole(Descriptor)
        /// It is for the caller to bring.
        case granted(CachePart)
        /// Somebody else brings it; the stamp shows how far that is, if it could be seen.
        case taken(FileStamp?)
        /// There is no room for it.
        case noRoom
    }

    /// Opens the cache in the folder at `path`, which must be there and let this user make its own.
    package init(path: FilePath, capacity: Int64) throws(StagingError) {
        let top = try Directory(path: path)
        let name = try Self.relative(Array("galaxy-s3-\(geteuid())".utf8))
        try top.makeDirectories(name)
        folder = try top.directory(name)
        self.capacity = capacity
        // Before it is looked into: who else could write there could choose what jobs read.
        guard try isOwn() else {
            throw StagingError(
                .refused,
                what: "\(folder.path) belongs to another user",
                remedy: "Remove it, and let nobody but user \(geteuid()) write to \(path)."
            )
        }
        try folder.allowOwnEntry()
    }

    private func isOwn() throws(StagingError) -> Bool {
        var status = stat()
        guard fstat(folder.descriptor.raw, &status) == 0 else {
            throw .system("look at", folder.path.logSafe)
        }
        return status.st_uid == geteuid()
    }

    /// Opens a whole file, and notes that it is used; nil if it is not there.
    func open(_ name: CacheName) throws(StagingError) -> Descriptor? {
        guard let file = try openIfPresent(name, O_RDONLY) else { return nil }
        try file.set(mode: CachePart.wholeMode, modified: Clock.fileTime(), name: path(of: name))
        return file
    }

    /// Asks to bring a file. Of all that ask for the same one at once, one is granted it.
    func claim(_ name: CacheName) throws(StagingError) -> Claim {
        guard let lock = try lockFolder() else { return .taken(nil) }
        defer { withExtendedLifetime(lock) {} }
        let part = try openIfPresent(name.part, O_RDWR)
        if let part, flock(part.raw, LOCK_EX | LOCK_NB) != 0 {
            return .taken(try part.status().stamp)
        }
        // After a look at the part: whoever had its lock may just have made it whole.
        if let file = try open(name) { return .whole(file) }
        // Whoever began it is gone.
        if part != nil { try remove(name.part) }
        guard let plan = CachePlan(try survey(), room: name.size, capacity: capacity) else {
            return .noRoom
        }
        for removal in plan.removals { try remove(removal) }
        let file = try folder.open(
            Self.relative(name.part.bytes),
            O_RDWR | O_CREAT | O_EXCL,
            action: "create"
        )
        // Nobody else opens a part without the folder's lock.
        guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else {
            throw .system("lock", path(of: name.part).logSafe)
        }
        try reserve(file, name)
        return .granted(CachePart(name: name, file: file, cache: self))
    }

    /// Better to hear now that the disk is full than when most of the file is there.
    private func reserve(
        _ file: Descriptor,
        _ name: CacheName
    ) throws(StagingError) {
        guard name.size > 0, clinux_reserve(file.raw, name.size) != 0 else { return }
        let error = errno
        guard error == ENOSPC || error == EDQUOT || error == EFBIG else { return }
        try remove(name.part)
        throw .system("make room in the node's cache for", path(of: name).logSafe, error)
    }

    /// What is there. Parts that nobody brings any more are removed.
    private func survey() throws(StagingError) -> [CachePlan.Entry] {
        var entries: [CachePlan.Entry] = []
        for found in try folder.names() {
            guard let name = CacheName(found: found),
                let status = try folder.status(Self.relative(found))
            else { continue }
            if name.isPart, try isAbandoned(name) {
                try remove(name)
                continue
            }
            entries.append(CachePlan.Entry(name: name, used: status.stamp.modified))
        }
        return entries
    }

    private func isAbandoned(_ part: CacheName) throws(StagingError) -> Bool {
        guard let file = try openIfPresent(part, O_RDWR) else { return false }
        return flock(file.raw, LOCK_EX | LOCK_NB) == 0
    }

    /// The folder's lock, held as long as the value lives; nil while somebody else has it.
    private func lockFolder() throws(StagingError) -> Descriptor? {
        let lock = try folder.open(Self.relative(Array("lock".utf8)), O_RDWR | O_CREAT)
        return flock(lock.raw, LOCK_EX | LOCK_NB) == 0 ? lock : nil
    }

    private func openIfPresent(
        _ name: CacheName,
        _ flags: Int32
    ) throws(StagingError) -> Descriptor? {
        do throws(StagingError) {
            return try folder.open(Self.relative(name.bytes), flags | O_NOFOLLOW)
        } catch {
            guard error.code == .missing else { throw error }
            return nil
        }
    }

    /// Takes a file out of the cache; who reads it goes on reading.
    func remove(_ name: CacheName) throws(StagingError) {
        try folder.remove(Self.relative(name.bytes))
    }

    /// Gives a part its whole name.
    func publish(_ name: CacheName) throws(StagingError) {
        try folder.rename(Self.relative(name.part.bytes), to: Self.relative(name.bytes))
    }

    /// For messages.
    func path(of name: CacheName) -> FilePath {
        (try? folder.path.appending(name.bytes)) ?? folder.path
    }

    private static func relative(_ name: [UInt8]) throws(StagingError) -> RelativePath {
        try naming { () throws(NameError) in try RelativePath(name) }
    }
}
