// SPDX-License-Identifier: Apache-2.0

import Names
import Staging
import Synchronization

/// The directories below the one that is copied to: made when the first file comes, and kept open
/// while files come to them one after the other.
final class ArrivalFolders: Sendable {
    /// How many are kept open.
    private static let most = 16

    private struct Kept: Sendable {
        let path: [UInt8]
        let folder: Directory
    }

    let top: Directory
    /// The one that was asked for last is last.
    private let kept = Mutex<[Kept]>([])

    init(_ top: Directory) { self.top = top }

    /// The directory that `name` is in, made where it is missing.
    ///
    /// - Throws: when something else is there: a file, or a link, which is never followed.
    func folder(of name: RelativePath) throws(StagingError) -> Directory {
        guard let slash = name.bytes.lastIndex(of: FilePath.separator) else { return top }
        let path = Array(name.bytes[..<slash])
        if let folder = find(path) { return folder }
        let relative = try naming { () throws(NameError) in try RelativePath(path) }
        try top.makeDirectories(relative)
        let folder = try top.directory(relative)
        kept.withLock { kept in
            if kept.count == Self.most { kept.removeFirst() }
            kept.append(Kept(path: path, folder: folder))
        }
        return folder
    }

    private func find(_ path: [UInt8]) -> Directory? {
        kept.withLock { kept in
            guard let index = kept.lastIndex(where: { $0.path == path }) else { return nil }
            let found = kept.remove(at: index)
            kept.append(found)
            return found.folder
        }
    }
}
