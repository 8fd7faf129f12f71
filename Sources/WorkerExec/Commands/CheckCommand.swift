// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import Names
import S3Client
import Staging

/// Says what would be done, and whether it could be.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what `run` would do, and whether the bucket can be reached from here.",
        discussion: "Reads the spec and looks at every object it names. Fetches and runs nothing."
    )

    @OptionGroup var options: AttemptOptions

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            let worker = try Worker(options)
            let attempt = try await Attempt.begin(
                worker.reference,
                pod: worker.pod,
                store: worker.store,
                state: worker.state,
                volume: worker.volume
            )
            try await Self.look(at: attempt)
        }
    }

    private static func look(at attempt: Attempt) async throws(WorkerFailure) {
        let spec = attempt.spec
        var missing = 0
        let objects =
            spec.packs.map { ($0.key, $0.size) } + spec.inputs.map { ($0.key, $0.size) }
        for (key, size) in objects {
            do throws(S3Error) {
                let info = try await attempt.store.head(key)
                if info?.size == size { continue }
                missing += 1
                let found = info.map { "it has \($0.size) bytes" } ?? "it is not there"
                say("bad      \(key): \(found), promised are \(size)")
            } catch {
                throw WorkerFailure(error, doing: "look at \(key)", toolRan: false)
            }
        }
        say("run      \(spec.run)")
        for root in spec.roots { say("root     \(root)") }
        let bytes = objects.reduce(0) { $0 + $1.1 }
        let packed = spec.packs.reduce(0) { $0 + $1.files }
        say("fetch    \(objects.count) objects, \(bytes) bytes, \(packed) files of them packed")
        say("command  \(spec.command.map(\.logSafe).joined(separator: " "))")
        say("outputs  \(spec.outputs.count)")
        if missing > 0 {
            throw WorkerFailure(.input, "\(missing) objects are not what the spec promises.")
        }
    }

    private static func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }
}
