// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// What the tool has written.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what a job's tool has written so far.",
        discussion: "Reads the job directory, where live output arrives while the run is followed."
    )

    @OptionGroup var job: JobOptions

    @Flag(help: "The error stream instead of the output stream.")
    var stderr = false

    func run() async throws {
        try await conclude(json: false) {
            let (description, _) = try job.description()
            let path = stderr ? description.stderr : description.stdout
            do throws(StagingError) {
                let roots = try RootSet([description.jobDirectory])
                guard try roots.status(path) != nil else { return }
                let file = try roots.open(path)
                var buffer = [UInt8](repeating: 0, count: 256 << 10)
                var offset: Int64 = 0
                while true {
                    let count = pread(file.raw, &buffer, buffer.count, off_t(offset))
                    guard count > 0 else { return }
                    Console.write(Array(buffer[..<count]), to: STDOUT_FILENO)
                    offset += Int64(count)
                }
            } catch {
                throw HeadError(error, doing: "Cannot show what the tool has written")
            }
        }
    }
}
