// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Puts this program where the tool's container finds it.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Copy this program into a folder, whole or not at all."
    )

    @Argument(help: "The folder, on a volume that the tool's container mounts read-only.")
    var directory: String

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            let path = try FilePath(argument: directory, option: "DIR")
            do throws(StagingError) {
                try Self.install(into: Directory(path: path))
            } catch {
                throw WorkerFailure(.io, error)
            }
        }
    }

    private static func install(into directory: Directory) throws(StagingError) {
        let own = try naming { () throws(NameError) in try FilePath("/proc/self/exe") }
        try directory.install(
            program: own,
            as: try RelativePath.one("galaxy-worker-exec".utf8)
        )
    }
}
