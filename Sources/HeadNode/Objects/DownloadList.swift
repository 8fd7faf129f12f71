// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client

/// Which objects below a prefix become which files. A pure value, made before anything is written.
///
/// What follows the prefix in a key is the path of the file, byte by byte. A key that is no path
/// below a directory is refused: one that is absolute, climbs (`..`) or has empty parts, and one
/// that names a file where other keys need a directory. An object of no bytes whose key ends in a
/// slash is how web consoles draw a directory: it becomes one.
struct DownloadList: Sendable {
    /// One object, as it was listed.
    struct Item: Sendable, Equatable {
        let key: ObjectKey
        /// In bytes.
        let size: Int64
    }

    /// What becomes files. The large ones first, so that none of them is what the end has to wait for.
    let items: [Item]
    /// Directories that have objects of their own.
    let directories: [RelativePath]
    /// What cannot become a file, each by name.
    let refusals: [S3Error]
    private let prefixLength: Int

    /// - Parameter prefix: what the keys of all `entries` begin with; empty, or ending in a slash.
    init(_ entries: [Item], below prefix: [UInt8]) {
        prefixLength = prefix.count
        var refusals: [S3Error] = []
        var directories: [RelativePath] = []
        var files: [(item: Item, name: RelativePath)] = []
        files.reserveCapacity(entries.count)
        for entry in entries {
            var rest = entry.key.bytes.dropFirst(prefix.count)
            let isMarker = entry.size == 0 && (rest.isEmpty || rest.last == FilePath.separator)
            if isMarker {
                rest = rest.dropLast()
                // The directory that is copied to is there anyway.
                if rest.isEmpty { continue }
            }
            do throws(NameError) {
                let name = try RelativePath(rest)
                if isMarker { directories.append(name) } else { files.append((entry, name)) }
            } catch {
                refusals.append(Self.refusal(entry.key, error.reason))
            }
        }
        let taken = Self.directories(above: files.map { $0.name } + directories)
            .union(directories.map(\.bytes))
        var large: [Item] = []
        var small: [Item] = []
        for (item, name) in files {
            if taken.contains(name.bytes) {
                refusals.append(
                    Self.refusal(item.key, "other keys need a directory of that name")
                )
            } else if item.size >= PartPlan.defaultThresholdBytes {
                large.append(item)
            } else {
                small.append(item)
            }
        }
        items = large + small
        self.directories = directories
        self.refusals = refusals
    }

    /// The file's path below the directory that is copied to.
    ///
    /// - Throws: never, for one of `items`.
    func name(of item: Item) throws(NameError) -> RelativePath {
        try RelativePath(item.key.bytes.dropFirst(prefixLength))
    }

    private static func directories(above names: [RelativePath]) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        for name in names {
            var rest = name.bytes[...]
            while let slash = rest.lastIndex(of: FilePath.separator) {
                rest = rest[..<slash]
                // Whoever is here has those above with them.
                if !found.insert(Array(rest)).inserted { break }
            }
        }
        return found
    }

    private static func refusal(_ key: ObjectKey, _ reason: String) -> S3Error {
        S3Error(
            .refused,
            what: "Cannot download \(key): \(reason)",
            remedy: "Copy it by itself, to a file of another name."
        )
    }
}
