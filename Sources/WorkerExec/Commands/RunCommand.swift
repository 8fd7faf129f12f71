// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Glibc

/// Fetch, tool and push in one process.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Fetch the job's files, run the tool, push its results: all in one process."
    )

    @OptionGroup var options: AttemptOptions

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            try await Worker(options).run()
        }
    }
}

/// Does the work of a verb and ends with the worker's exit status.
func conclude(_ work: () async throws(WorkerFailure) -> Void) async throws {
    do throws(WorkerFailure) {
        try await work()
    } catch {
        FrameWriter.complain(error.message)
        throw ExitCode(error.exit.rawValue)
    }
}
