// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Names

/// What the local executor starts for each try; not for people.
struct SupervisorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "local-supervisor",
        abstract: "Look after one local try.",
        shouldDisplay: false
    )

    @Argument var folder: String

    func run() async throws {
        try await conclude(json: false) {
            try LocalSupervisor.run(TryFolder(FilePath(folder)))
        }
    }
}
