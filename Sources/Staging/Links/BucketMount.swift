// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Where on the head the bucket is mounted, and which part of it is seen there. Names alone: nothing
/// is looked at.
package struct BucketMount: Sendable, Equatable {
    /// The mount point.
    package let path: FilePath
    /// The part of the bucket that is seen there.
    package let prefix: KeyPrefix

    package init(path: FilePath, prefix: KeyPrefix) {
        self.path = path
        self.prefix = prefix
    }

    /// Where the object at `key` is seen; nil for one in another part of the bucket, or one whose key
    /// is no path.
    package func path(of key: ObjectKey) -> FilePath? {
        let hidden = hiddenBytes
        guard key.hasPrefix(hidden),
            let relative = try? RelativePath(key.bytes.dropFirst(hidden.count))
        else { return nil }
        return try? path.appending(relative)
    }

    /// The object that is seen at `seen`; nil outside the mount.
    package func key(of seen: FilePath) -> ObjectKey? {
        guard let relative = seen.relative(to: path) else { return nil }
        return try? ObjectKey(hiddenBytes + relative.bytes)
    }

    /// The object that the link at `link` names, by the text of the link alone.
    package func key(of link: LinkEntry) -> ObjectKey? {
        LinkRules.target(of: link).flatMap { key(of: $0) }
    }

    /// Whether everything below `other` is seen.
    package func shows(_ other: KeyPrefix) -> Bool {
        let (outer, inner) = (hiddenBytes, Array(other.description.utf8) + [FilePath.separator])
        return outer.isEmpty || (!other.description.isEmpty && inner.starts(with: outer))
    }

    /// How a key begins before the part that is seen.
    private var hiddenBytes: [UInt8] {
        prefix.description.isEmpty ? [] : Array(prefix.description.utf8) + [FilePath.separator]
    }
}
