// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CBoot
import CLinux
import Contract
import Glibc
import Staging
import Synchronization

/// Starts the worker.
@main
enum WorkerMain {
    static func main() async {
        boot_linked()
        StandardStreams.fill()
        DescriptorTable.grow()
        // Whatever this process holds, the tool must not read: no ptrace, no /proc/PID/environ.
        // Where the kernel refuses, the split shape still keeps credentials from the tool.
        _ = clinux_set_not_dumpable()
        Threads.statusWithoutThread.store(WorkerExit.io.rawValue, ordering: .relaxed)
        await WorkerCommand.main()
    }
}

/// `galaxy-worker-exec`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "galaxy-worker-exec",
        abstract: "Runs one Galaxy job inside its container, with S3 as the only way in and out.",
        discussion: """
            The head node writes the command line; people need `version` and `check`.

            Exit status: 0 a result is stored, 64 wrong usage or spec, 65 an input is not what was \
            promised, 66 results could not be stored, 69 the bucket cannot be reached, 70 a bug, \
            74 disk full or I/O error, 75 told to stop, 77 access denied. The tool's own exit code \
            is in the report, never here.
            """,
        subcommands: [
            RunCommand.self, FetchCommand.self, ToolCommand.self, PushCommand.self,
            InstallCommand.self, CheckCommand.self, VersionCommand.self,
        ]
    )
}
