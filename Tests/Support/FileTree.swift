// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc

/// A directory as it is on the disk, for comparing two: names as bytes, kinds, modes, times, bytes.
package struct FileTree: Equatable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var kind: String
        package var mode: UInt32
        /// In nanoseconds since 1970; 0 for links.
        package var modified: Int
        /// A digest of the bytes, or the target of a link.
        package var content: String
    }

    /// By path relative to the top, in which names are joined by `/`.
    package private(set) var entries: [[UInt8]: Entry] = [:]

    package init(_ path: String) throws { try add(Array(path.utf8), name: []) }

    /// The paths that differ, readable.
    package func differences(from other: FileTree) -> [String] {
        Set(entries.keys).union(other.entries.keys)
            .filter { entries[$0] != other.entries[$0] }
            .map { "\($0.logSafe): \(text(entries[$0])) and \(text(other.entries[$0]))" }
            .sorted()
    }

    private func text(_ entry: Entry?) -> String {
        entry.map { "\($0.kind) \(String($0.mode, radix: 8)) \($0.modified) \($0.content)" }
            ?? "nothing"
    }

    private mutating func add(
        _ path: [UInt8],
        name: [UInt8]
    ) throws {
        var status = stat()
        guard Self.withPath(path, { lstat($0, &status) }) == 0 else {
            throw ChildProcess.Failure(
                description: "\(path.logSafe): \(String(cString: strerror(errno)))"
            )
        }
        var entry = Entry(
            kind: "special",
            mode: status.st_mode & 0o7777,
            modified: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec,
            content: ""
        )
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            entry.kind = "file"
            entry.content = try Self.digest(path)
        case S_IFDIR:
            entry.kind = "directory"
            for child in Self.names(path) {
                try add(
                    path + Array("/".utf8) + child,
                    name: name.isEmpty ? child : name + Array("/".utf8) + child
                )
            }
        case S_IFLNK:
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = Self.withPath(path) { readlink($0, &buffer, buffer.count) }
            entry.kind = "link"
            entry.mode = 0
            entry.modified = 0
            entry.content = buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }.logSafe
        default: break
        }
        entries[name] = entry
    }

    private static func digest(_ path: [UInt8]) throws -> String {
        let descriptor = withPath(path) { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            throw ChildProcess.Failure(description: "\(path.logSafe) cannot be read")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { return "\(bytes.count) bytes \(SHA256Digest(of: bytes).hex)" }
            bytes += buffer[..<count]
        }
    }

    private static func names(_ path: [UInt8]) -> [[UInt8]] {
        guard let folder = withPath(path, { opendir($0) }) else { return [] }
        // SAFETY: this scope owns `folder`.
        defer { closedir(folder) }
        var names: [[UInt8]] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        return names
    }

    private static func withPath<Result>(
        _ path: [UInt8],
        _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        let characters = path.map { CChar(bitPattern: $0) } + [0]
        return characters.withUnsafeBufferPointer { buffer in
            // An array with a terminator has a base address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty path") }
            return body(start)
        }
    }
}
