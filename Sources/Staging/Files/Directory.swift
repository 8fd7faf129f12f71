// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Glibc
import Names

/// An open directory, and the only way to what is below it.
///
/// Every call resolves beneath the descriptor and through no symbolic link, so that nothing a tool
/// leaves behind makes us read or write elsewhere. Only `init(path:)` follows links: that path is
/// Galaxy's or the administrator's own.
package final class Directory: Sendable {
    package let path: FilePath
    let descriptor: Descriptor

    /// Opens the directory that Galaxy or the administrator names; links on the way are followed.
    ///
    /// - Parameter followingLast: whether `path` itself may be a link too.
    package init(
        path: FilePath,
        followingLast: Bool = true
    ) throws(StagingError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followingLast ? 0 : O_NOFOLLOW)
        let fd = path.withCString { clinux_open($0, flags, 0) }
        guard fd >= 0 else { throw .system("open the directory", path.logSafe) }
        self.path = path
        descriptor = Descriptor(owning: fd)
    }

    /// Opens the directory at `place`, which the job knows under another path.
    package init(
        path place: FilePath,
        knownAs path: FilePath
    ) throws(StagingError) {
        let fd = place.withCString {
            clinux_open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0)
        }
        guard fd >= 0 else { throw .system("open the directory", place.logSafe) }
        self.path = path
        descriptor = Descriptor(owning: fd)
    }

    private init(path: FilePath, descriptor: Descriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens a directory below this one.
    package func directory(_ relative: RelativePath) throws(StagingError) -> Directory {
        let file = try open(relative, O_RDONLY | O_DIRECTORY, action: "open the directory")
        return Directory(path: try name(relative), descriptor: file)
    }

    /// Opens a file below this directory.
    ///
    /// - Parameter flags: as open(2); O_CLOEXEC is added.
    package func open(
        _ relative: RelativePath,
        _ flags: Int32,
        mode: FileMode = FileMode(0o600),
        action: String = "open"
    ) throws(StagingError) -> Descriptor {
        let fd = relative.withCString {
            clinux_open_beneath(descriptor.raw, $0, flags, mode_t(mode.bits))
        }
        guard fd >= 0 else { throw .system(action, try name(relative).logSafe) }
        return Descriptor(owning: fd)
    }

    /// Makes a new, empty file below this directory; nil when something has its name, or the
    /// directory it belongs into is not there.
    func createIfFree(_ relative: RelativePath) throws(StagingError) -> Descriptor? {
        let flags = O_RDWR | O_CREAT | O_EXCL
        let fd = relative.withCString { clinux_open_beneath(descriptor.raw, $0, flags, 0o600) }
        if fd < 0 {
            if errno == EEXIST || errno == ENOENT { return nil }
            throw .system("create", try name(relative).logSafe)
        }
        return Descriptor(owning: fd)
    }

    /// What is at `relative`, the last component not followed if it is a link; nil for nothing.
    package func status(_ relative: RelativePath) throws(StagingError) -> FileStatus? {
        try withParent(of: relative, missing: nil) { (parent, name) throws(StagingError) in
            var buffer = stat()
            if fstatat(parent.raw, name, &buffer, AT_SYMLINK_NOFOLLOW) == 0 {
                return FileStatus(buffer)
            }
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system("look at", try self.name(relative).logSafe)
        }
    }

    /// The names in this directory, in byte order, without `.` and `..`.
    package func names() throws(StagingError) -> [[UInt8]] {
        let copy = fcntl(descriptor.raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw .system("list", path.logSafe) }
        guard let stream = fdopendir(copy) else {
            Glibc.close(copy)
            throw .system("list", path.logSafe)
        }
        // SAFETY: this scope owns `stream`; closing it closes `copy` too.
        defer { closedir(stream) }
        rewinddir(stream)
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // SAFETY: d_name holds a NUL-terminated name and stays valid until the next readdir.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: UInt8.self, capacity: 256) { start in
                    Array(UnsafeBufferPointer(start: start, count: strnlen(tuple, 256)))
                }
            }
            if name != [UInt8(ascii: ".")] && name != Array("..".utf8) { names.append(name) }
        }
        guard errno == 0 else { throw .system("list", path.logSafe) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Where the link at `relative` points, as it is spelled.
    package func linkTarget(_ relative: RelativePath) throws(StagingError) -> ByteString {
        let found = try withParent(of: relative, missing: ByteString?.none) {
            (parent, name) throws(StagingError) in
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = buffer.withUnsafeMutableBytes { space -> Int in
                guard let start = space.baseAddress else { return 0 }
                return readlinkat(
                    parent.raw,
                    name,
                    start.assumingMemoryBound(to: CChar.self),
                    space.count
                )
            }
            guard count >= 0 else { throw .system("read the link", relative.logSafe) }
            return ByteString(buffer[..<count])
        }
        guard let found else { throw .system("read the link", relative.logSafe, ENOENT) }
        return found
    }

    /// Makes a directory and its missing parents; one that is there already is fine.
    package func makeDirectories(_ relative: RelativePath) throws(StagingError) {
        // Most often its parent is there.
        if try makeDirectory(relative) == 0 { return }
        var done: [UInt8] = []
        for component in relative.components {
            done += done.isEmpty ? [] : [UInt8(ascii: "/")]
            done += component
            let here = try part(done)
            let error = try makeDirectory(here)
            if error != 0 { throw .system("make the directory", try name(here).logSafe, error) }
        }
    }

    /// Makes one directory, which may be there already; its parent has to be. The error number.
    private func makeDirectory(_ here: RelativePath) throws(StagingError) -> Int32 {
        try withParent(of: here, missing: Int32(ENOENT)) { (parent, name) in
            if mkdirat(parent.raw, name, 0o755) == 0 { return 0 }
            let error = errno
            var buffer = stat()
            guard error == EEXIST else { return error }
            guard fstatat(parent.raw, name, &buffer, AT_SYMLINK_NOFOLLOW) == 0 else { return errno }
            return FileStatus(buffer).kind == .directory ? 0 : ENOTDIR
        }
    }

    /// Makes a symbolic link; a file or link that is there already is replaced in one step.
    package func makeLink(
        _ relative: RelativePath,
        to target: ByteString
    ) throws(StagingError) {
        let temporary = Array(".galaxy_s3.link.\(Nonce.draw())".utf8)
        let error = try withParent(of: relative, missing: Int32(ENOENT)) { (parent, name) in
            temporary.withCPath { temporary -> Int32 in
                let made = target.bytes.withCPath { symlinkat($0, parent.raw, temporary) }
                guard made == 0 else { return errno }
                guard renameat(parent.raw, temporary, parent.raw, name) != 0 else { return 0 }
                let error = errno
                unlinkat(parent.raw, temporary, 0)
                return error
            }
        }
        guard error == 0 else { throw .system("make the link", try name(relative).logSafe, error) }
    }

    /// Removes a file or a link; nothing there is fine. A directory is an error.
    package func remove(_ relative: RelativePath) throws(StagingError) {
        let error = try withParent(of: relative, missing: Int32(ENOENT)) { (parent, name) in
            unlinkat(parent.raw, name, 0) == 0 ? 0 : errno
        }
        guard error == 0 || error == ENOENT else {
            throw .system("remove", try name(relative).logSafe, error)
        }
    }

    /// Removes an empty directory.
    package func removeDirectory(_ relative: RelativePath) throws(StagingError) {
        let error = try withParent(of: relative, missing: Int32(0)) { (parent, name) in
            unlinkat(parent.raw, name, AT_REMOVEDIR) == 0 ? 0 : errno
        }
        guard error == 0 else { throw .system("remove", try name(relative).logSafe, error) }
    }

    /// Lets this user read and change what is in the directory at `relative`.
    ///
    /// - Parameter mode: another one, for a file.
    /// - Throws: `.refused` for a link: what it leads to is not ours to open.
    package func allowEntry(
        _ relative: RelativePath,
        mode: FileMode = FileMode(0o700)
    ) throws(StagingError) {
        let error = try withParent(of: relative, missing: Int32(0)) { (parent, name) in
            fchmodat(parent.raw, name, mode_t(mode.bits), AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno
        }
        guard error == 0 else {
            // A link has no mode of its own (fchmodat(2)).
            let reason = error == EOPNOTSUPP ? ELOOP : error
            throw .system("open the directory", try name(relative).logSafe, reason)
        }
    }

    /// Lets this user read and change what is in this directory.
    package func allowOwnEntry() throws(StagingError) {
        guard fchmod(descriptor.raw, 0o700) == 0 else {
            throw .system("open the directory", path.logSafe)
        }
    }

    /// Renames inside this directory, replacing what is there, atomically.
    package func rename(
        _ from: RelativePath,
        to: RelativePath
    ) throws(StagingError) {
        let error = try withParent(of: from, missing: Int32(ENOENT)) {
            (source, sourceName) throws(StagingError) in
            try self.withParent(of: to, missing: Int32(ENOENT)) { (target, targetName) in
                renameat(source.raw, sourceName, target.raw, targetName) == 0 ? 0 : errno
            }
        }
        guard error == 0 else { throw .system("rename to", try name(to).logSafe, error) }
    }

    /// Sets the mode and time of a directory below this one.
    package func setDirectory(
        _ relative: RelativePath,
        mode: FileMode,
        modified: FileTime
    ) throws(StagingError) {
        let file = try open(relative, O_RDONLY | O_DIRECTORY, action: "open the directory")
        try file.set(mode: mode, modified: modified, name: try name(relative))
    }

    /// Brings everything that was written to this directory's file system to its disk, whoever wrote
    /// it: for many small files at once, which one by one would take a flush each.
    package func synchroniseFileSystem() throws(StagingError) {
        guard clinux_syncfs(descriptor.raw) == 0 else { throw .system("flush", path.logSafe) }
    }

    /// Brings the names in this directory to the disk. Some file systems cannot, and do it unasked.
    package func synchronise() throws(StagingError) {
        guard fsync(descriptor.raw) == 0 || errno == EINVAL else {
            throw .system("flush", path.logSafe)
        }
    }

    /// The number of the device that this directory is on.
    package func device() throws(StagingError) -> UInt64 { try descriptor.status().stamp.device }

    /// Free bytes that this user can still fill.
    package func freeBytes() throws(StagingError) -> Int64 {
        var buffer = statvfs()
        guard fstatvfs(descriptor.raw, &buffer) == 0 else {
            throw .system("ask for the free space of", path.logSafe)
        }
        return Int64(clamping: UInt64(buffer.f_bavail) * UInt64(buffer.f_frsize))
    }

    /// The absolute name of what is at `relative`.
    package func name(_ relative: RelativePath) throws(StagingError) -> FilePath {
        try naming { () throws(NameError) in try path.appending(relative) }
    }

    /// Calls `body` with the open parent directory of `relative` and the last name as C takes it.
    private func withParent<Value>(
        of relative: RelativePath,
        missing: Value,
        _ body: (Descriptor, UnsafePointer<CChar>) throws(StagingError) -> Value
    ) throws(StagingError) -> Value {
        let last = relative.lastComponent
        guard let above = relative.parent else {
            return try last.withCPath { (name) throws(StagingError) in try body(descriptor, name) }
        }
        let fd = above.withCString {
            clinux_open_directory_beneath(descriptor.raw, $0)
        }
        if fd < 0 {
            // Below a file there is nothing.
            if errno == ENOENT || errno == ENOTDIR { return missing }
            throw .system("open the directory", try name(above).logSafe)
        }
        let parent = Descriptor(owning: fd)
        return try last.withCPath { (name) throws(StagingError) in try body(parent, name) }
    }

    private func part(_ bytes: some Sequence<UInt8>) throws(StagingError) -> RelativePath {
        try naming { () throws(NameError) in try RelativePath(bytes) }
    }
}

extension Directory {
    /// Puts a file in place of what is there, whole or not at all.
    ///
    /// - Parameter isFlushed: whether it is on the disk before this returns, so that it outlives a
    ///   power cut; false where nothing around it does.
    package func replace(
        _ relative: RelativePath,
        with bytes: [UInt8],
        mode: FileMode = FileMode(0o644),
        isFlushed: Bool = true
    ) throws(StagingError) {
        let temporary = try naming { () throws(NameError) in
            try RelativePath(relative.bytes + Array(".new".utf8))
        }
        try remove(temporary)
        let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode, action: "create")
        let place = try name(relative)
        let written: Result<Void, StagingError> = bytes.withUnsafeBytes { buffer in
            do throws(StagingError) {
                return .success(try file.write(buffer, at: 0, name: place))
            } catch {
                return .failure(error)
            }
        }
        try written.get()
        if isFlushed { try file.synchronise(name: place) }
        try rename(temporary, to: relative)
        guard isFlushed else { return }
        try synchronise()
    }
}
