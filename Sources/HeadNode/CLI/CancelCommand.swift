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
            let trouble = await Self.endTries(notes.state, description, session)
            let result = try fence.get()
            if let trouble { throw trouble }
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

    private static func fence(_ desk: ResultDesk) async -> Result<RunResult, HeadError> {
        do throws(HeadError) {
            return .success(try await desk.end(.cancelled, "The run was cancelled."))
        } catch {
            return .failure(error)
        }
    }

    /// Ends all tries, and removes what is left of them unless a head follows the run and does.
    ///
    /// - Returns: the first trouble; it keeps no other try from being ended.
    private static func endTries(
        _ state: RunState,
        _ description: JobDescription,
        _ session: Session
    ) async -> HeadError? {
        var trouble: HeadError?
        do throws(HeadError) {
            let executor = try session.executor(for: JobSubject(description))
            let tries = state.tries.map { TryID(run: state.run, number: $0.number) }
            for id in tries {
                do throws(HeadError) {
                    try await executor.stop(id)
                } catch {
                    trouble = trouble ?? error
                }
            }
            let folder = try RunFolder(jobDirectory: description.jobDirectory)
            for id in tries { try await executor.remove(id, isSuccess: false) }
            withExtendedLifetime(folder) {}
        } catch {
            if error.code != .busy { trouble = trouble ?? error }
        }
        return trouble
    }
}
