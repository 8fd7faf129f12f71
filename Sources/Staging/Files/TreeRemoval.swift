// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names

/// Removes a tree that a tool may have filled, through no link and with no recursion.
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
                    stack.append(relative)
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
}
