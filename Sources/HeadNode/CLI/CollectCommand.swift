// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Staging

/// Brings a run's results back once more.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Bring the results of a job's last run back, again if need be.",
        discussion: "Files are verified and renamed into place, so doing it twice changes nothing."
    )

    @OptionGroup var job: JobOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await conclude(json: output.json) {
            let (description, _) = try job.description()
            let session = try await Session(job.config.settings())
            let folder = try RunFolder(jobDirectory: description.jobDirectory)
            let notes = try RunNotes(description)
            let display = RunDisplay(json: output.json)
            let recollection = Recollection(
                store: session.store,
                settings: session.settings,
                place: session.place(),
                observe: { display.show($0) }
            )
            let ending = try await recollection(description, notes, folder)
            display.show(.ended(notes.state.run, ending))
        }
    }
}
