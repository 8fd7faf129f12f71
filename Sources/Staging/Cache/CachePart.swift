// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// A file that is being brought into a node's cache, under its lock, which lives as long as this.
struct CachePart: Sendable {
    /// Nobody writes to a whole file again.
    static let wholeMode = FileMode(0o400)

    let name: CacheName
    /// Empty at first.
    let file: Descriptor
    let cache: NodeCache

    /// Lets others see it.
    func publish() throws(StagingError) {
        try file.set(mode: Self.wholeMode, modified: Clock.fileTime(), name: path)
        try cache.publish(name)
    }

    /// Lets others try.
    func discard() throws(StagingError) { try cache.remove(name.part) }

    /// For messages.
    var path: FilePath { cache.path(of: name.part) }
}
