// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import Staging

/// Where the node has its cache, and how much that may keep, in bytes.
struct NodeCachePlace: Sendable {
    let path: FilePath
    let bytes: Int64

    /// - Returns: nil for one that cannot be used, which is said and fails no job.
    func open(_ frames: FrameWriter) -> CachedFetch? {
        let complain: @Sendable (String) -> Void = { frames.write(.note("The worker: " + $0)) }
        do throws(StagingError) {
            return CachedFetch(try NodeCache(path: path, capacity: bytes), complain: complain)
        } catch {
            complain("The node's cache cannot be used: " + error.line)
            return nil
        }
    }
}
