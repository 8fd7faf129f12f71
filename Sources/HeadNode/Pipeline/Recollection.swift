// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import S3Client
import Staging

/// Brings the results of a run back once more: files are verified and renamed into place, so doing it
/// twice changes nothing.
struct Recollection: Sendable {
    let store: S3Store
    let settings: Settings
    /// Where runs live by the configuration of today.
    let place: RunPlace
    let observe: RunObserver

    /// - Parameters:
    ///   - notes: of the run, whose folder is held.
    ///   - folder: where a run that had not ended is noted as ended.
    func callAsFunction(
        _ description: JobDescription,
        _ notes: RunNotes,
        _ folder: RunFolder
    ) async throws(HeadError) -> RunEnding {
        let run = notes.state.run
        try notes.state.check(place)
        let desk = ResultDesk(store: store, settings: settings, run: run)
        guard let spec = try notes.spec(), let result = try await desk.result() else {
            throw HeadError(
                .noRun,
                what: "Run \(run) has no result yet",
                remedy: "Follow it with galaxy-head-node run."
            )
        }
        let attempt: AttemptID
        let sha256: SHA256Digest
        switch result.verdict {
        case .committed(let id, let digest): (attempt, sha256) = (id, digest)
        case .ended(_, let message): throw Self.nothing(of: run, message)
        }
        let report = try await desk.report(of: attempt, sha256: sha256, in: result)
        let step = CollectStep(
            store: store,
            settings: settings,
            description: description,
            observe: observe
        )
        let ending = try await step(report, spec)
        if var state = try folder.state(), state.run == run, state.ending == nil {
            state.ending = ending
            try folder.note(state)
        }
        return ending
    }

    /// Nothing of a run that the head has ended can be brought back.
    static func nothing(of run: RunID, _ message: String) -> HeadError {
        HeadError(
            .failed,
            what: "Run \(run) ended without results",
            place: message,
            remedy: "There is nothing to bring back; run the job again."
        )
    }
}
