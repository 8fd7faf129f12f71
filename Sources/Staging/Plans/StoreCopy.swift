// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// One output that becomes an object of Galaxy's own object store. A pure value.
package struct StoreCopy: Sendable, Hashable {
    /// Its place in Galaxy's cache on the head's disk.
    package var path: FilePath
    /// What the attempt has stored; nil for an output without a byte.
    package var source: ObjectKey?
    package var size: Int64
    package var digest: CRC64NVME
    /// Galaxy's own key.
    package var target: ObjectKey

    package init(_ file: PushedFile, from source: ObjectKey?, to target: ObjectKey) {
        path = file.path
        self.source = source
        size = file.size
        digest = file.digest
        self.target = target
    }

    /// What `plan` keeps in the bucket, and outputs without a byte, by path.
    ///
    /// The latter come to the head as members of a pack like other empty files. Galaxy would take one
    /// in its cache for the dataset, but what its store has may be what an earlier run left there.
    package static func all(in plan: OutputPlan, of spec: RunSpec) -> [StoreCopy] {
        var targets: [FilePath: ObjectKey] = [:]
        for output in spec.outputs { targets[output.path] = output.galaxyKey }
        let kept = plan.kept.compactMap { output in
            targets[output.file.path].map { StoreCopy(output.file, from: output.key, to: $0) }
        }
        let empty = plan.collected.packs.flatMap(\.files.values)
            .compactMap { file in
                file.size > 0 ? nil : targets[file.path].map { StoreCopy(file, from: nil, to: $0) }
            }
        return (kept + empty).sorted { $0.path < $1.path }
    }
}
