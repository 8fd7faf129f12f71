// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// What files need of each file system that they come to. A pure value.
///
/// A file counts with all its bytes, whatever it took where it was made: holes are filled on the way,
/// and each hard link comes as a file of its own. What it replaces frees nothing, because both are
/// there until the end.
struct SpaceDemand: Sendable {
    struct Share: Sendable, Equatable {
        /// The first of the directories on this file system that was named.
        let place: FilePath
        var bytes: Int64
    }

    /// What most file systems give a file at least, in bytes, if it has any.
    private static let block: Int64 = 4_096

    /// By the number of the device.
    private(set) var shares: [UInt64: Share] = [:]

    /// Adds files of these sizes, which come to `place` on `device`. All sizes together are at most
    /// 2^60, as in every report that has no `problem`.
    mutating func add(_ sizes: [Int64], at place: FilePath, on device: UInt64) {
        let bytes = sizes.reduce(0) { $0 + Self.rounded($1) }
        shares[device, default: Share(place: place, bytes: 0)].bytes += bytes
    }

    /// What a file of this size takes, in bytes.
    static func rounded(_ size: Int64) -> Int64 { (size + block - 1) / block * block }
}

extension StagingError {
    /// The results of a run do not fit.
    ///
    /// - Parameter promised: how many of the free bytes wait for other runs' results.
    package static func noRoom(
        forResults bytes: Int64,
        at place: FilePath,
        freeBytes: Int64,
        promised: Int64 = 0
    ) -> StagingError {
        let others = promised > 0 ? ", \(promised) of them for results that come now" : ""
        return StagingError(
            .diskFull,
            what: "The results need \(bytes) bytes, \(place) has \(freeBytes) free\(others)",
            remedy:
                "Free space there, then go on; until then they are safe in the bucket. Or cancel "
                + "the job, if its tool has made more than it should."
        )
    }
}
