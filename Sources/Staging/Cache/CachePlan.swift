// SPDX-License-Identifier: Apache-2.0

import Contract

/// What has to leave a node's cache so that something new finds room in it. A pure value.
struct CachePlan: Equatable {
    /// One file of a cache.
    struct Entry: Equatable {
        var name: CacheName
        /// When a job last took it.
        var used: FileTime
    }

    /// In the order in which to remove them: what was used longest ago goes first.
    let removals: [CacheName]

    /// - Parameters:
    ///   - entries: what is there; a part counts with all the bytes that it will have, and stays.
    ///   - size: of what is to come, in bytes.
    ///   - capacity: what a cache may hold, in bytes.
    /// - Returns: nil when nothing makes enough room.
    init?(
        _ entries: [Entry],
        room size: Int64,
        capacity: Int64
    ) {
        guard size <= capacity else { return nil }
        // Compared by subtraction: sizes come from file names, and their sum may be any number.
        var free = capacity - size
        for part in entries where part.name.isPart {
            guard part.name.size <= free else { return nil }
            free -= part.name.size
        }
        let newestFirst = entries.filter { !$0.name.isPart }
            .sorted { a, b in
                if a.used != b.used { return b.used.isBefore(a.used) }
                return a.name.bytes.lexicographicallyPrecedes(b.name.bytes)
            }
        var kept = 0
        for entry in newestFirst {
            guard entry.name.size <= free else { break }
            free -= entry.name.size
            kept += 1
        }
        removals = newestFirst[kept...].reversed().map(\.name)
    }
}

extension FileTime {
    fileprivate func isBefore(_ other: FileTime) -> Bool {
        (seconds, nanoseconds) < (other.seconds, other.nanoseconds)
    }
}
