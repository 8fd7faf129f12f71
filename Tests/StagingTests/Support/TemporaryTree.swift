// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport

@testable import Staging

/// A directory of its own for one test, gone with the value.
final class TemporaryTree: Sendable {
    let path: FilePath

    init() throws {
        // In memory where that can be: nothing here is to survive.
        let base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(base)/galaxy-s3-tree-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure("mkdtemp") }
        // Tests that give up root's rights must get in too.
        chmod(template, 0o755)
        path = try FilePath(template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit {
        // What a test left unremovable is in /tmp and costs nothing.
        try? TreeRemoval.remove(path)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func failure(_ action: String) -> Failure {
        Failure(description: "\(action): \(String(cString: strerror(errno)))")
    }

    /// The absolute path of `relative`.
    func at(_ relative: String) throws -> FilePath { try path.appending(RelativePath(relative)) }

    func at(_ relative: [UInt8]) throws -> FilePath { try path.appending(RelativePath(relative)) }

    /// Makes a file with its parents, old enough to be no racy one.
    @discardableResult
    func file(
        _ relative: String,
        _ bytes: [UInt8] = [],
        mode: UInt32 = 0o644,
        modified: FileTime = FileTime(seconds: 1_600_000_000, nanoseconds: 7)
    ) throws -> FilePath {
        let place = try at(relative)
        try Self.write(bytes, to: place, mode: mode, modified: modified)
        return place
    }

    @discardableResult
    func file(_ relative: String, _ text: String) throws -> FilePath {
        try file(relative, Array(text.utf8))
    }

    @discardableResult
    func directory(_ relative: String) throws -> FilePath {
        let place = try at(relative)
        try Self.makeDirectories(place)
        return place
    }

    @discardableResult
    func link(_ relative: String, to target: String) throws -> FilePath {
        let place = try at(relative)
        try Self.link(place, to: Array(target.utf8))
        return place
    }

    static func link(_ place: FilePath, to target: [UInt8]) throws {
        if let parent = place.parent { try makeDirectories(parent) }
        let made = target.withCPath { target in place.withCString { symlink(target, $0) } }
        guard made == 0 else { throw failure("symlink") }
    }

    func fifo(_ relative: String) throws {
        let place = try at(relative)
        if let parent = place.parent { try Self.makeDirectories(parent) }
        guard place.withCString({ mkfifo($0, 0o644) }) == 0 else {
            throw Self.failure("mkfifo")
        }
    }

    static func makeDirectories(_ place: FilePath) throws {
        if place.withCString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let parent = place.parent else { throw failure("mkdir") }
        try makeDirectories(parent)
        // Another task may have made it since.
        let made = place.withCString { mkdir($0, 0o755) }
        guard made == 0 || errno == EEXIST else { throw failure("mkdir") }
    }

    static func write(
        _ bytes: [UInt8],
        to place: FilePath,
        mode: UInt32 = 0o644,
        modified: FileTime? = nil
    ) throws {
        if let parent = place.parent { try makeDirectories(parent) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let raw = place.withCString { open($0, flags, 0o600) }
        guard raw >= 0 else { throw failure("open \(place)") }
        let descriptor = Descriptor(owning: raw)
        try bytes.withUnsafeBytes { try descriptor.write($0, at: 0, name: place) }
        let now = Clock.fileTime()
        try descriptor.set(mode: FileMode(mode), modified: modified ?? now, name: place)
    }

    static func read(_ place: FilePath) throws -> [UInt8] {
        let raw = place.withCString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard raw >= 0 else { throw failure("open \(place)") }
        return try Descriptor(owning: raw).readAll(limit: 1 << 30, name: place)
    }

    static func setTimes(_ place: FilePath, _ modified: FileTime, mode: UInt32) throws {
        let directory = try Directory(path: place)
        try directory.descriptor.set(mode: FileMode(mode), modified: modified, name: place)
    }

    /// Everything below `top` (itself with the empty name): what is there, to the last bit.
    static func snapshot(
        _ top: FilePath,
        skipping: Set<ByteString> = []
    ) throws -> Snapshot {
        let survey = try TreeSurvey(Directory(path: top), skipping: skipping)
        var found: Snapshot = [:]
        for file in survey.files {
            found[file.path] = .file(try read(file.path), file.mode, file.stamp.modified)
        }
        for directory in survey.directories where directory.path != top {
            found[directory.path] = .directory(directory.mode, directory.modified)
        }
        for link in survey.links { found[link.path] = .link(link.target) }
        for refusal in survey.refused { found[refusal.path] = .other(refusal.reason) }
        return found
    }
}

typealias Snapshot = [FilePath: SnapshotEntry]

enum SnapshotEntry: Hashable, CustomStringConvertible {
    case file([UInt8], FileMode, FileTime)
    case directory(FileMode, FileTime)
    case link(ByteString)
    case other(String)

    var isDirectory: Bool { if case .directory = self { true } else { false } }

    var description: String {
        switch self {
        case .file(let bytes, let mode, let time): "file of \(bytes.count) \(mode) \(time)"
        case .directory(let mode, let time): "directory \(mode) \(time)"
        case .link(let target): "link to \(target)"
        case .other(let what): what
        }
    }
}

/// What is in one snapshot and not so in the other, as lines.
func differences(_ a: Snapshot, _ b: Snapshot) -> [String] {
    Set(a.keys).union(b.keys).sorted()
        .compactMap { path in
            a[path] == b[path]
                ? nil
                : "\(path): \(a[path].map { "\($0)" } ?? "nothing") / "
                    + "\(b[path].map { "\($0)" } ?? "nothing")"
        }
}

extension Snapshot {
    /// The bytes of every file, without modes and times.
    var contents: [FilePath: [UInt8]] {
        compactMapValues { if case .file(let bytes, _, _) = $0 { bytes } else { nil } }
    }

    /// Files, links and the rest, without directories.
    var filesAlone: Snapshot { filter { if case .directory = $0.value { false } else { true } } }

    /// What is at or below `top`.
    func below(_ top: FilePath) -> Snapshot { filter { $0.key.isAtOrBelow(top) } }
}
