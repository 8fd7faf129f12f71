// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

extension PipelineWork {
    func end(
        _ run: OpenedRun,
        _ reason: RunResult.EndReason,
        _ message: String,
        tries: Int,
        leavingResults: Bool
    ) async throws(HeadError) -> RunEnding? {
        let (folder, noted) = try remains(of: run)
        var state = noted ?? self.state(of: run, tries: tries)
        guard state.run == run.run else {
            throw HeadError(.otherRun, what: "Another run has taken the place of \(run.run)")
        }
        if let ending = state.ending {
            guard reason == .failed, run.comesBackOnceMore else { return ending }
            // To call it right would make Galaxy take whatever lies in the places of its results.
            let words = "The job has run, and its results cannot be brought back once more."
            return RunEnding(.failed, "\(words) \(message)")
        }
        var ending = RunEnding(reason, message)
        // Nobody but who holds the folder can begin the first try.
        if !state.tries.isEmpty || folder == nil {
            try state.check(session.place(run.settings.settings))
            let outcome = await endStep(run.run, run.settings.settings)(state, reason, message) {
                () throws(HeadError) in folder
            }
            let result = try outcome.fence.get()
            if let trouble = outcome.trouble { throw trouble }
            switch result.verdict {
            case .ended(let first, let words): ending = RunEnding(first, words)
            case .committed where leavingResults:
                ending.message =
                    "\(message) The run has stored its results; they are in the bucket."
            case .committed: return nil
            }
        }
        try folder?.keep(JobFigures(state, ending))
        state.ending = ending
        try folder?.note(state)
        return ending
    }

    /// What is left of a run on the disk: its folder, unless another head has it, and its notes.
    private func remains(
        of run: OpenedRun
    ) throws(HeadError) -> (RunFolder?, RunState?) {
        guard let (description, _) = try? DescriptionFile.read(run.job.bytes),
            let notes = try? RunNotes(description)
        else { return (nil, nil) }
        do throws(HeadError) {
            let folder = try RunFolder(jobDirectory: description.jobDirectory)
            return (folder, try folder.state())
        } catch {
            guard error.code == .busy else { throw error }
            return (nil, notes.state)
        }
    }

    /// The run as it is known without notes.
    private func state(
        of run: OpenedRun,
        tries: Int
    ) -> RunState {
        var state = RunState(
            run: run.run,
            descriptionSHA256: run.descriptionSHA256,
            place: session.place(run.settings.settings)
        )
        state.tries = (0..<tries).map { RunState.Try(number: $0 + 1) }
        return state
    }

    /// Waits for no pod: once the fence stands and the Job is deleted, its end is the cluster's affair.
    /// Ending needs an executor, and no word on what it executes.
    func endStep(
        _ run: RunID,
        _ settings: Settings
    ) -> EndStep {
        let desk = ResultDesk(store: session.store, settings: settings, run: run)
        return EndStep(
            desk: desk,
            executor: { () throws(HeadError) in
                try session.executor(for: JobSubject(toolID: "", image: nil), settings)
            }
        )
    }

    func settle(
        _ finished: FinishedJob,
        _ run: OpenedRun?,
        _ note: @escaping @Sendable (String) -> Void
    ) async throws(HeadError) {
        let settings = run?.settings.settings ?? session.settings
        let store = session.store.part { _ in }
        let desk = ResultDesk(store: store, settings: settings, run: finished.run)
        // Galaxy may have removed the job directory by now; the bucket knows what there was.
        guard let result = try await desk.result(),
            case .committed(let attempt, let sha256) = result.verdict
        else { return }
        let report = try await desk.report(of: attempt, sha256: sha256, in: result)
        let step = SettleStep(store: store, settings: settings, note: note)
        try await settling.pass { () async throws(HeadError) in
            try await step(report, finished.outputs)
        }
    }

    func forget(_ job: FilePath, _ run: RunID?) async {
        _ = try? await inShortTask { () async throws(HeadError) in
            let (description, _) = try DescriptionFile.read(job.bytes)
            try RunNotes.forget(run, in: description.jobDirectory)
        }
    }

    func collect(_ run: OpenedRun) async throws(HeadError) -> RunEnding {
        try await turns.pass(.urgent) { () async throws(HeadError) in
            let (description, folder, _) = try take(run)
            let recollection = Recollection(
                store: session.store.part { _ in },
                settings: run.settings.settings,
                place: session.place(run.settings.settings),
                observe: { _ in }
            )
            return try await recollection(description, try RunNotes(description), folder)
        }
    }
}
