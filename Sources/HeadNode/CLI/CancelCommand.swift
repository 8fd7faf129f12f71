// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Kubernetes
import Staging

/// Ends a run for good.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a job's run: after this nothing of it becomes visible any more.",
        discussion: "A run that has committed its results already is not undone, and this says so."
    )

    @OptionGroup var job: JobOptions
    @OptionGroup var output: OutputOptions

    /// How long the end of the run's pods is waited for, in seconds.
    private static let patience = 90

    func run() async throws {
        try await conclude(json: output.json) {
            let (description, _) = try job.description()
            let watch = StoreWatch()
            let session = try await Session(job.config.settings()) { event in
                if let word = watch.word(on: event, now: Clock.monotonicSeconds()) {
                    Console.err(word)
                }
            } observeCluster: {
                Self.tell($0)
            }
            let notes = try RunNotes(description)
            let end = EndStep(
                desk: try notes.desk(session),
                executor: { () throws(HeadError) in
                    try session.executor(for: JobSubject(description))
                },
                patience: Self.patience
            )
            let outcome = await end(notes.state, .cancelled, "The run was cancelled.") {
                () throws(HeadError) in try Self.folder(of: description)
            }
            let result = try outcome.fence.get()
            for id in outcome.lingering {
                Console.err(
                    "Try \(id) was told to end and has not yet. Nothing that it stores counts; if its "
                        + "pod stays, look at its node."
                )
            }
            let trouble = outcome.trouble
            switch result.verdict {
            case .ended(let reason, _):
                if let trouble { throw Self.complaint(trouble, notes.state.run, job) }
                Console.out("Run \(notes.state.run) is over: \(reason.rawValue).")
            case .committed:
                if let trouble { throw trouble }
                Console.out(
                    "Run \(notes.state.run) had committed its results before; `collect` gets them."
                )
            }
        }
    }

    /// Somebody waits at a terminal: why it takes long is said now and then.
    private static func tell(_ notice: ClusterNotice) {
        guard case .retrying(let what, let attempt, _, let why) = notice, attempt.isMultiple(of: 4)
        else { return }
        Console.err("Cannot \(what.logSafe): \(why). Attempt \(attempt) has failed; trying again")
    }

    /// Whoever reads that tries could not be ended must not think that the run goes on.
    private static func complaint(
        _ trouble: HeadError,
        _ run: RunID,
        _ job: JobOptions
    ) -> HeadError {
        HeadError(
            trouble.code,
            what: "Run \(run) is over and nothing more of it becomes visible, but its tool may "
                + "still run: \(trouble.what)",
            place: trouble.place,
            remedy: (trouble.firstRemedy.isEmpty ? "" : trouble.firstRemedy + " ")
                + "Afterwards repeat `galaxy-head-node cancel --job \(job.job.logSafe)`: it ends "
                + "what is left.",
            cause: trouble.cause
        )
    }

    /// The run's folder; nil while another head follows the run.
    private static func folder(
        of description: JobDescription
    ) throws(HeadError) -> RunFolder? {
        do throws(HeadError) {
            return try RunFolder(jobDirectory: description.jobDirectory)
        } catch {
            guard error.code == .busy else { throw error }
            return nil
        }
    }
}
