// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Names

/// The tool container's part: no bucket, no credentials.
struct ToolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool",
        abstract: "Run the tool on what `fetch` has put in place. Needs no bucket."
    )

    @Option(help: "The folder on the job's volume where fetch, tool and push hand over.")
    var state: String

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            let signals = try SignalInbox()
            let folder = try StateFolder(path: FilePath(argument: state, option: "--state"))
            let bytes = try folder.require(.spec)
            let spec: RunSpec
            do throws(ContractError) {
                spec = try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
            } catch {
                throw WorkerFailure(.usage, error)
            }
            let phase = ToolPhase(spec: spec, state: folder, frames: FrameWriter())
            if case .stopped = try await phase(signals) {
                throw WorkerFailure(.stopped, "The container was told to stop while the tool ran.")
            }
        }
    }
}
