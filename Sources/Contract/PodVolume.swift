// SPDX-License-Identifier: Apache-2.0

import Names

/// How a try's volume in a pod is laid out, and where containers see it: what the head mounts and
/// the worker makes must be the same folders.
///
/// ```
/// r0 … r15     the job's roots, in the spec's order; each is mounted at its own absolute path
/// state        where fetch, tool and push hand over
/// state/tool   the one part of it that the tool's container can write to
/// bin          the worker, for the tool's container
/// tmp          the tool's /tmp
/// ```
package enum PodVolume {
    /// Where the worker's own containers mount the whole volume, and the tool's a part of it.
    package static let mountPath = "/galaxy-s3-executor"
    package static let state = "state"
    package static let toolState = "state/tool"
    package static let programs = "bin"
    package static let temporary = "tmp"
    /// The worker's name in `programs`.
    package static let worker = "galaxy-worker-exec"

    /// The folder of the root at this place in the spec's list.
    package static func root(_ index: Int) -> String { "r\(index)" }
}
