// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import Contract
import Staging

/// `galaxy-head-node`.
@main
struct HeadNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "galaxy-head-node",
        abstract: "Runs Galaxy's jobs with nothing shared but an S3 bucket.",
        version: Release.version,
        subcommands: [
            RunCommand.self, ServeCommand.self, StatusCommand.self, LogsCommand.self,
            CancelCommand.self,
            CollectCommand.self, CheckConfigCommand.self, DoctorCommand.self,
            GarbageCommand.self, S3Command.self,
            SupervisorCommand.self,
        ]
    )

    static func main() async {
        StandardStreams.fill()
        DescriptorTable.grow()
        // Keys are in its memory, and a core file would lie in Galaxy's directories, or wherever it began.
        _ = clinux_set_not_dumpable()
        await main(nil)
    }
}
