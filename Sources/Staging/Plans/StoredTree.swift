// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client

/// The extra files of an input dataset that Galaxy keeps in its own S3 object store, behind a cache on
/// the head's disk. Files of it may be missing from the cache, and Galaxy does not notice.
package struct StoredTree: Sendable {
    /// Its place in the cache: where the tool sees it.
    package let path: FilePath
    /// What all keys of its files begin with, up to and with the last slash.
    package let object: JobDescription.StoreObject
    /// What the cache has of it.
    package let cached: [SurveyedFile]

    /// - Throws: what hides files in the cache; that there is no such directory is no trouble.
    package init(
        path: FilePath,
        object: JobDescription.StoreObject
    ) throws(StagingError) {
        self.path = path
        self.object = object
        guard FileStatus(following: path)?.kind == .directory else {
            cached = []
            return
        }
        let tree = try TreeSurvey(Directory(path: path))
        if let first = tree.refused.first {
            throw StagingError(
                .refused,
                what: "\(first.path) cannot be sent to a worker: \(first.reason)"
            )
        }
        cached = tree.files
    }

    /// What a job needs of it: each file that the store has, and each that only the cache has.
    ///
    /// - Parameter entries: what the store has at keys that begin with the tree's.
    /// - Throws: `.refused` for a key that is no path below the tree.
    package func files(
        _ entries: [ListPage.Entry]
    ) throws(StagingError) -> (stored: [StoredInput], cachedOnly: [SurveyedFile]) {
        let prefix = object.key.bytes
        var inCache: [FilePath: SurveyedFile] = [:]
        for file in cached { inCache[file.path] = file }
        var stored: [StoredInput] = []
        for entry in entries where entry.key.bytes.last != FilePath.separator {
            let file = try naming { () throws(NameError) in
                try path.appending(RelativePath(entry.key.bytes.dropFirst(prefix.count)))
            }
            let held = inCache.removeValue(forKey: file)
            var place = object
            place.key = entry.key
            // Nobody but the cache can know better than the store what Galaxy has put there.
            place.size = held.map { $0.size > 0 } == true ? nil : entry.size
            stored.append(StoredInput(path: file, object: place, cached: held))
        }
        return (stored, inCache.values.sorted { $0.path < $1.path })
    }
}
