// SPDX-License-Identifier: Apache-2.0

import Names

/// Where each node keeps what many jobs read.
struct NodeCacheSettings: Sendable, Equatable {
    enum Place: Sendable, Equatable {
        /// A directory of the node's own.
        case directory(FilePath)
        /// A volume of the cluster's.
        case claim(String)
    }

    var place: Place
    /// What it may keep, in bytes.
    var bytes: Int64
}
