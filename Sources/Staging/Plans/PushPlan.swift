// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// How what a tool left behind travels. A pure value.
package struct PushPlan: Sendable {
    /// Small files, in packs of bounded size.
    package var packs: [[SurveyedFile]] = []
    /// Files that are objects of their own.
    package var objects: [SurveyedFile] = []

    /// A pack is fetched over one connection, so it is kept to this size, in bytes.
    private static let largestPack: Int64 = 64 << 20

    /// - Parameters:
    ///   - packBelow: files of at most this many bytes are packed.
    ///   - own: outputs that must be objects of their own, unless they are empty.
    package init(
        _ files: [SurveyedFile],
        packBelow: Int64,
        own: Set<FilePath>
    ) {
        var pack: [SurveyedFile] = []
        var size: Int64 = 0
        for file in files.sorted(by: { $0.path < $1.path }) {
            guard file.size <= packBelow, file.size == 0 || !own.contains(file.path) else {
                objects.append(file)
                continue
            }
            if !pack.isEmpty, size + file.size > Self.largestPack {
                packs.append(pack)
                pack = []
                size = 0
            }
            pack.append(file)
            size += file.size
        }
        if !pack.isEmpty { packs.append(pack) }
    }
}
