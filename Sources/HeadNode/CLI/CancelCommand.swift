// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
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

    func run() async throws {
        try await conclude(json: output.json) {
            let (description, _) = try job.description()
            let session = try await Session(job.config.settings())
            let notes = try RunNotes(description)
            // The fence first: from here on no worker's commit counts.
            let desk = notes.desk(session)
            let result = try await desk.end(.cancelled, "The run was cancelled.")
            let executor = try session.executor()
            for attempt in notes.state.tries {
                try await executor.stop(TryID(run: notes.state.run, number: attempt.number))
            }
            switch result.verdict {
            case .ended(let reason, _):
                Console.out("Run \(notes.state.run) is over: \(reason.rawValue).")
            case .committed:
                Console.out(
                    "Run \(notes.state.run) had committed its results before; `collect` gets them."
                )
            }
        }
    }
}
