// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// What is in the bucket, and what the head's disk says about it. A pure value.
struct GarbageFacts: Sendable {
    /// The Galaxy whose disk was looked at: nothing of another one's is ever freed.
    var instance: InstanceName
    var layout: JobLayout
    /// Everything below our prefix, as it was before anything else was looked at.
    var objects: [ListPage.Entry] = []
    /// Uploads to keys of ours that are under way, or were cut off; nil where the store does not say.
    var uploads: [OpenUpload]? = []
    var runs: [RunID: RunFact] = [:]
    /// Keys that specs of other Galaxies name.
    var neededElsewhere: Set<ObjectKey> = []
    /// By the record's own key.
    var records: [ObjectKey: RecordFact] = [:]
    var links: [ObjectKey: LinkFact] = [:]

    /// A run of this Galaxy's.
    struct RunFact: Sendable, Equatable {
        /// Whether somebody may still want something of it.
        var isLive: Bool
        /// What its spec names.
        var needs: Set<ObjectKey> = []
    }

    /// What a path on the disk has become.
    enum PathFact: Sendable, Equatable {
        /// As the record says.
        case same
        /// Another version, or nothing at all in a directory that is there.
        case other
        /// It cannot be seen: its directory is not there, or it is on another Galaxy's disk.
        case unknown
    }

    /// A record that a file is staged.
    struct RecordFact: Sendable, Equatable {
        var key: ObjectKey
        var path: PathFact
    }

    /// A record that a link names an object.
    struct LinkFact: Sendable, Equatable {
        var key: ObjectKey
        var path: PathFact
        /// Whether it was gone the last time.
        var isMarked: Bool
    }
}
