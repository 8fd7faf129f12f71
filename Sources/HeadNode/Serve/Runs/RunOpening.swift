// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests

/// What a submission means for what is noted in the job directory. Pure.
enum RunOpening: Sendable {
    /// There is a run, and it is this one, whether it goes on or has ended.
    case takeUp(RunState)
    /// A new run.
    case begin
    /// A run goes on that Galaxy has given up: it is ended, then a new one begins.
    case supersede(RunState)

    /// - Parameters:
    ///   - wanted: the run that the plugin has drawn, if it did.
    ///   - place: where runs live by the configuration of today.
    init(
        noted: RunState?,
        wanted: RunID?,
        descriptionSHA256: SHA256Digest,
        place: RunPlace
    ) throws(HeadError) {
        guard let noted else {
            self = .begin
            return
        }
        // Of a run that never got to its first try, no worker knows.
        let isOver = noted.ending != nil || noted.tries.isEmpty
        if let wanted, wanted != noted.run {
            self = isOver ? .begin : .supersede(noted)
            return
        }
        if noted.descriptionSHA256 == descriptionSHA256 {
            let isHere = noted.place?.agrees(with: place) ?? true
            if noted.ending == nil, !isHere, noted.tries.isEmpty, wanted == nil {
                self = .begin
                return
            }
            // How it ended is noted here; all else is where it began.
            if noted.ending == nil { try noted.check(place) }
            self = .takeUp(noted)
            return
        }
        guard wanted == nil, isOver else {
            throw HeadError(
                .otherRun,
                what: "Run \(noted.run) began with another description of this job",
                remedy:
                    "Restore the description, or cancel the run and submit the job as a new one."
            )
        }
        self = .begin
    }
}
