// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names

/// Removes a tree that a tool may have filled, through no link and with no recursion.
///
/// A tree may be deeper than any path can say: what is found too deep is first moved to the top.
package enum TreeRemoval {
    /// Removes the directory at `path` and everything in it; nothing there is fine.
    ///
    /// A link at `path` itself is an error: what it points to is somebody else's.
    package static func remove(_ path: FilePath) throws(StagingError) {
        guard let status = FileStatus(at: path), status.kind != .file else { return }
        guard status.kind != .link else { throw .system("remove", path.logSafe, ELOOP) }
        let top = try Directory(path: path, followingLast: false)
        var stack: [RelativePath?] = [nil]
        var emptied: [RelativePath] = []
        while let place = stack.popLast() {
            let directory = try place.map { (path) throws(StagingError) in
                // A tool may have taken its own rights away.
                try top.allowEntry(path)
                return try top.directory(path)
            }
            if let place { emptied.append(place) }
            let here = directory ?? top
            for name in try here.names() {
                let (relative, last) = try naming { () throws(NameError) in
                    let above = place.map { $0.bytes + [FilePath.separator] } ?? []
                    return (try RelativePath(above + name), try RelativePath(name))
                }
                if try here.status(last)?.kind == .directory {
                    stack.append(try nearer(relative, in: top))
                } else {
                    try here.remove(last)
                }
            }
        }
        for place in emptied.reversed() { try top.removeDirectory(place) }
        guard path.withCString({ rmdir($0) }) == 0 || errno == ENOENT else {
            throw .system("remove", path.logSafe)
        }
    }

    /// In bytes: with one more name it is still far below PATH_MAX.
    private static let deepest = 2048

    /// Where the directory is to be found from now on.
    private static func nearer(
        _ place: RelativePath,
        in top: Directory
    ) throws(StagingError) -> RelativePath {
        guard place.bytes.count > deepest else { return place }
        let name = try naming { () throws(NameError) in
            try RelativePath(Array(".galaxy_s3.deep.\(Nonce.draw())".utf8))
        }
        // Who moves a directory changes its entry `..`.
        try top.allowEntry(place)
        try top.rename(place, to: name)
        return name
    }
}
