// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names

/// One regular file as a survey found it, and how to open exactly that file again.
package struct SurveyedFile: Sendable {
    package let path: FilePath
    package let mode: FileMode
    package let stamp: FileStamp
    /// Whether its mode says already that this user may read it: it is his, so no list of rights says more.
    let isSurelyReadable: Bool
    private let opener: Opener

    private enum Opener: Sendable {
        /// A path of Galaxy's own: links on the way are followed.
        case trusted
        /// Found below a directory: no link is followed.
        case beneath(Directory, RelativePath)
        /// No file of this machine's: it has no bytes.
        case empty
    }

    /// The size at the survey, in bytes.
    package var size: Int64 { stamp.size }

    /// Looks at the file that Galaxy names by `path`; links are followed.
    package init(trusted path: FilePath) throws(StagingError) {
        let descriptor = try Self.openTrusted(path)
        let status = try descriptor.status()
        guard status.kind == .file else {
            throw StagingError(.refused, what: "\(path) is no regular file")
        }
        self.init(path, status, .trusted)
    }

    /// A file without a byte that the worker is to have at `path`, whatever is there on this machine.
    init(emptyAt path: FilePath, mode: FileMode = FileMode(0o644)) {
        self.path = path
        self.mode = mode
        // The same each time: a pack can be made again from it.
        let time = FileTime(seconds: 946_684_800)
        stamp = FileStamp(device: 0, inode: 0, size: 0, modified: time, changed: time)
        isSurelyReadable = true
        opener = .empty
    }

    init(
        path: FilePath,
        status: FileStatus,
        in directory: Directory,
        at relative: RelativePath
    ) {
        self.init(path, status, .beneath(directory, relative))
    }

    private init(
        _ path: FilePath,
        _ status: FileStatus,
        _ opener: Opener
    ) {
        self.path = path
        mode = status.mode
        stamp = status.stamp
        isSurelyReadable = status.isOwn && status.mode.bits & 0o400 != 0
        self.opener = opener
    }

    /// Opens the file, only if it is still the version that was surveyed.
    package func open() throws(StagingError) -> Descriptor {
        let descriptor =
            switch opener {
            case .trusted: try Self.openTrusted(path)
            case .beneath(let directory, let relative):
                try directory.open(relative, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            case .empty:
                try Self.openTrusted(naming { () throws(NameError) in try FilePath("/dev/null") })
            }
        if case .empty = opener { return descriptor }
        try check(descriptor)
        return descriptor
    }

    /// Fails if what is at the path is no longer the version that was surveyed. It costs a third of
    /// `open`, which says what is wrong, or that all is well.
    func checkUnchanged() throws(StagingError) {
        if FileStatus(following: path)?.stamp == stamp { return }
        _ = try open()
    }

    /// The file once its owner, this user, may read it.
    func madeReadable() throws(StagingError) -> SurveyedFile {
        guard case .beneath(let directory, let relative) = opener else {
            throw StagingError(.unreadable, what: "Cannot read \(path)")
        }
        try directory.allowEntry(relative, mode: FileMode(mode.bits | 0o400))
        guard let status = try directory.status(relative), status.kind == .file else {
            throw .changed(path)
        }
        let file = SurveyedFile(path: path, status: status, in: directory, at: relative)
        _ = try file.open()
        return file
    }

    /// Fails if the file, opened by `open` and read to its end, has changed meanwhile.
    func checkRead(_ descriptor: Descriptor) throws(StagingError) {
        if case .empty = opener { return }
        try check(descriptor)
    }

    /// Fails if the open file is no longer the version that was surveyed.
    package func check(_ descriptor: Descriptor) throws(StagingError) {
        guard try descriptor.status().stamp == stamp else { throw .changed(path) }
    }

    private static func openTrusted(_ path: FilePath) throws(StagingError) -> Descriptor {
        let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC
        let fd = path.withCString { Glibc.open($0, flags) }
        guard fd >= 0 else { throw .system("read", path.logSafe) }
        return Descriptor(owning: fd)
    }
}

/// Everything in and below one directory, found without following a single link.
package struct TreeSurvey: Sendable {
    package private(set) var files: [SurveyedFile] = []
    /// The directory itself first.
    package private(set) var directories: [DirectoryEntry] = []
    package private(set) var links: [LinkEntry] = []
    /// What can travel in no form: the path and why.
    package private(set) var refused: [Refusal] = []

    /// Something that stays where it is.
    package struct Refusal: Sendable {
        package let path: FilePath
        package let reason: String
        /// Whether bytes of a file may be missing because of it: a FIFO, or a link that leads out,
        /// has none.
        package let losesContents: Bool
    }

    /// Walks the tree below `top`.
    ///
    /// Trees are taken apart with a stack, not by recursion, so depth is bounded by the length of a
    /// path alone. What is below a directory that may not be read, or too deep for a path, is
    /// `refused`, never left out silently.
    ///
    /// - Parameters:
    ///   - skipping: names directly in `top` to leave out with all below them.
    ///   - reopening: whether directories of this user's that it may not read are opened: a tool has shut
    ///     them.
    package init(
        _ top: Directory,
        skipping: Set<ByteString> = [],
        reopening: Bool = false
    ) throws(StagingError) {
        directories.append(Self.entry(top.path, try top.descriptor.status()))
        // Paths, not descriptors: a tree may have more directories than a process may open.
        var stack: [RelativePath?] = [nil]
        while let place = stack.popLast() {
            guard let (directory, names) = try list(place, of: top) else { continue }
            var looks: [Look] = []
            for (index, name) in names.enumerated() {
                if index % Self.manyNames == 0 {
                    looks = Self.looks(at: names[index...].prefix(Self.manyNames), in: directory)
                }
                if place == nil, skipping.contains(ByteString(name)) { continue }
                let above = place.map { $0.bytes + [FilePath.separator] } ?? []
                guard let relative = try? RelativePath(above + name),
                    let path = try? directory.path.appending(name),
                    let last = try? RelativePath(name)
                else {
                    refused.append(
                        Refusal(
                            path: directory.path,
                            reason: "what it holds has too long a path",
                            losesContents: true
                        )
                    )
                    continue
                }
                let look = looks[index % Self.manyNames]
                guard var status = try taken(look, path) else { continue }
                if reopening, let open = try? directory.reopened(last, status) { status = open }
                switch status.kind {
                case .file:
                    files.append(SurveyedFile(path: path, status: status, in: top, at: relative))
                case .directory:
                    directories.append(Self.entry(path, status))
                    stack.append(relative)
                case .link:
                    let target = try directory.linkTarget(last)
                    links.append(LinkEntry(path: path, target: target))
                case .special(let what):
                    refused.append(
                        Refusal(path: path, reason: "it is a \(what)", losesContents: false)
                    )
                }
            }
        }
    }

    /// Forgets these files.
    mutating func leaveOut(_ paths: Set<FilePath>) {
        files.removeAll { paths.contains($0.path) }
    }

    private typealias Look = Result<FileStatus?, StagingError>

    /// So many names are looked at together, and half as many or more by two threads.
    private static let manyNames = 512

    /// What has each of these names. One that is too long for a path is nobody's.
    private static func looks(at names: ArraySlice<[UInt8]>, in directory: Directory) -> [Look] {
        let start = names.startIndex
        let look: @Sendable (Int) -> Look = { index in
            guard let name = try? RelativePath(names[start + index]) else { return .success(nil) }
            return Result { () throws(StagingError) in try directory.status(name) }
        }
        return names.count >= manyNames / 2
            ? Threads.halves(names.count, look) : (0..<names.count).map(look)
    }

    /// What is there; nil for nothing any more, and for what the directory keeps from us: that gets
    /// a word in `refused`.
    private mutating func taken(
        _ look: Look,
        _ path: FilePath
    ) throws(StagingError) -> FileStatus? {
        do throws(StagingError) {
            return try look.get()
        } catch {
            guard error.code == .unreadable else { throw error }
            refused.append(
                Refusal(path: path, reason: "it may not be read", losesContents: true)
            )
            return nil
        }
    }

    /// The directory at `place` and the names in it; nil, and a word in `refused`, if it may not be
    /// read.
    private mutating func list(
        _ place: RelativePath?,
        of top: Directory
    ) throws(StagingError) -> (Directory, [[UInt8]])? {
        guard let place else { return (top, try top.names()) }
        do throws(StagingError) {
            let directory = try top.directory(place)
            return (directory, try directory.names())
        } catch {
            guard error.code == .unreadable else { throw error }
            refused.append(
                Refusal(
                    path: try top.name(place),
                    reason: "it may not be read",
                    losesContents: true
                )
            )
            return nil
        }
    }

    private static func entry(
        _ path: FilePath,
        _ status: FileStatus
    ) -> DirectoryEntry {
        DirectoryEntry(path: path, mode: status.mode, modified: status.stamp.modified)
    }
}
