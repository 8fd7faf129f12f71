// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// A path on the head that is a link to an object in the mounted bucket. The object itself is not
/// looked at: it is in the bucket, whatever the mount does.
package struct LinkedFile: Sendable, Hashable {
    package let path: FilePath
    package let key: ObjectKey

    /// - Returns: nil for a path that is no such link.
    init?(
        _ path: FilePath,
        into mount: BucketMount
    ) throws(StagingError) {
        guard FileStatus(at: path)?.kind == .link, let parent = path.parent,
            let name = try? RelativePath(path.lastComponent)
        else { return nil }
        let target = try Directory(path: parent).linkTarget(name)
        guard let key = mount.key(of: LinkEntry(path: path, target: target)) else { return nil }
        self.path = path
        self.key = key
    }
}
