// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The second container's part.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Wait for the tool's end, however it comes, then push its results."
    )

    @OptionGroup var options: AttemptOptions

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            try await Worker(options).pushOnly()
        }
    }
}
