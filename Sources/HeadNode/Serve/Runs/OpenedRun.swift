// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names

/// A run that is noted in its job directory; as little of it as 10,000 of them can be kept of.
struct OpenedRun: Sendable {
    /// Where the job's description is.
    let job: FilePath
    let run: RunID
    /// The description must stay what it was.
    let descriptionSHA256: SHA256Digest
    let settings: RunSettings
    /// The destination's name; nil if the plugin named none.
    let destination: String?
    let demand: RunDemand
    /// Whether it was there before.
    let isResumed: Bool
    /// How it ended, if it did before it was opened.
    let ending: RunEnding?

    /// Whether it ended before with results that Galaxy has not finished: it may have been cut off while
    /// it took them to their places, and would take empty files there now. So they are brought back once
    /// more before the end is told.
    var comesBackOnceMore: Bool { ending?.hasResults == true }
}

/// What a run will ask for once it can begin.
struct RunDemand: Sendable, Equatable {
    /// CPU, in thousandths of a core.
    var cpu: Int64 = 0
    /// Memory, in bytes.
    var memory: Int64 = 0
    /// The sizes of its input datasets, in bytes; some of them may be in the bucket already.
    var bytes: Int64 = 0
}
