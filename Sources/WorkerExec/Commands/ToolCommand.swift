// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Glibc
import Names
import Staging

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
            // Before all that can fail or take long: `push` waits until it has seen a beginning.
            let lock = try await take(try folder.toolLock())
            let toolFolder = try folder.toolFolder()
            try toolFolder.begin()
            let bytes = try folder.require(.spec)
            let spec: RunSpec
            do throws(ContractError) {
                spec = try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
            } catch {
                throw WorkerFailure(.usage, error)
            }
            let outcome = try await ToolPhase(spec: spec, frames: FrameWriter())(signals)
            try toolFolder.write(outcome)
            withExtendedLifetime(lock) {}
            if case .stopped = outcome { throw WorkerFailure(.stopped, outcome.disruption) }
        }
    }

    /// Takes the lock, which says that this process lives: the kernel lets go of it however it
    /// ends. `push` holds it for a moment whenever it asks, so one refusal is none.
    private func take(_ lock: Descriptor) async throws(WorkerFailure) -> Descriptor {
        for _ in 0..<100 {
            if flock(lock.raw, LOCK_EX | LOCK_NB) == 0 { return lock }
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }
        }
        throw WorkerFailure(.usage, "The tool of this job is running already.")
    }
}
