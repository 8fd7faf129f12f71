// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Names
import Staging

/// Makes a pod's volume ready for a container that does the rest in the tool's own image.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Make the folders of a pod's volume, and copy this program there."
    )

    @Option(help: "The whole volume of the pod.")
    var volume: String

    @Option(help: "How many roots the job has.")
    var roots: Int

    func validate() throws {
        guard (0...RootPlan.most).contains(roots) else {
            throw ValidationError("--roots must be a number from 0 to \(RootPlan.most)")
        }
    }

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            let path = try FilePath(argument: volume, option: "--volume")
            do throws(StagingError) {
                try VolumeFolder(path: path).prepare(roots: roots)
            } catch {
                throw WorkerFailure(.io, error)
            }
        }
    }
}
