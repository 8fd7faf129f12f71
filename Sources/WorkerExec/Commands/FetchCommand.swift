// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The init container's part.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch the job's files and hand over to `tool` and `push`."
    )

    @OptionGroup var options: AttemptOptions

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            try await Worker(options).fetchOnly()
        }
    }
}
