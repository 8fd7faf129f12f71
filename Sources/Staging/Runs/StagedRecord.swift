// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// Says that one version of a file is in the bucket: where, and with which digest.
///
/// It is stored only after the upload was verified and the file seen unchanged, so whoever reads
/// it may rely on it; the first one stored for a version wins.
package struct StagedRecord: VersionedDocument, Equatable {
    package static let currentVersion = 1

    package var version = StagedRecord.currentVersion
    package var path: FilePath
    package var key: ObjectKey
    package var size: Int64
    package var digest: CRC64NVME
    /// Whose disk the path is on: nobody else can see whether it is still that version.
    package var instance: InstanceName?

    package init(
        path: FilePath,
        key: ObjectKey,
        size: Int64,
        digest: CRC64NVME,
        instance: InstanceName? = nil
    ) {
        self.path = path
        self.key = key
        self.size = size
        self.digest = digest
        self.instance = instance
    }

    package var problem: String? { size < 0 ? "\(path) has \(size) bytes" : nil }
}
