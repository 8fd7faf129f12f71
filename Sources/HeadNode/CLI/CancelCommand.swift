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
            let desk = try notes.desk(session)
            let fence = await Self.fence(desk)
            // Whether or not it stands, the tool must not go on.
            try await Self.endTries(notes.state, description, session)
            switch try fence.get().verdict {
            case .ended(let reason, _):
                Console.out("Run \(notes.state.run) is over: \(reason.rawValue).")
            case .committed:
                Console.out(
                    "Run \(notes.state.run) had committed its results before; `collect` gets them."
                )
            }
        }
    }

    private static func fence(_ desk: ResultDesk) async -> Result<RunResult, HeadError> {
        do throws(HeadError) {
            return .success(try await desk.end(.cancelled, "The run was cancelled."))
        } catch {
            return .failure(error)
        }
    }

    /// Ends all tries, and removes what is left of them unless a head follows the run and does.
    private static func endTries(
        _ state: RunState,
        _ description: JobDescription,
        _ session: Session
    ) async throws(HeadError) {
        let executor = try session.executor()
        let tries = state.tries.map { TryID(run: state.run, number: $0.number) }
        for id in tries { try await executor.stop(id) }
        let folder: RunFolder
        do throws(HeadError) {
            folder = try RunFolder(jobDirectory: description.jobDirectory)
        } catch {
            guard error.code == .busy else { throw error }
            return
        }
        for id in tries { try await executor.remove(id) }
        withExtendedLifetime(folder) {}
    }
}
