// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// Says that a link on the head at `path` names the object at `key`, and what that object is.
///
/// It is stored before the link is made, so that no object which a link names is ever without one. The
/// next job that has the path as an input takes the object as it is.
package struct LinkRecord: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = LinkRecord.currentVersion
    package var path: FilePath
    package var key: ObjectKey
    package var size: Int64
    package var digest: CRC64NVME
    package var mode: FileMode
    package var modified: FileTime
    /// Whether the link was gone when somebody looked for what can be freed.
    package var isGone: Bool?

    package init(path: FilePath, of file: PushedFile, at key: ObjectKey) {
        self.path = path
        self.key = key
        size = file.size
        digest = file.digest
        mode = file.mode
        modified = file.modified
    }

    package var problem: String? { size < 0 ? "\(path) has \(size) bytes" : nil }
}
