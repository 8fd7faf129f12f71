// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Subprocess
import SystemPackage

/// Runs a credential program once.
///
/// It has no terminal and no input, its own session, and `CredentialProgram.timeLimit`; after that,
/// or when we are cancelled, all of its session is killed. Its output is never shown, because the
/// credential is in there; of what it says on standard error, the last line is.
struct CredentialProgramRun {
    private static let longestOutput = 1 << 20

    private let program: CredentialProgram

    init(_ program: CredentialProgram) { self.program = program }

    /// - Throws: `.configuration` when there is no such program, `.noCredentials` when it fails.
    func credential() async throws(KubernetesError) -> ShownCredential {
        switch await outcome() {
        case .ended(let ending):
            guard ending.status.isSuccess else {
                throw failed("it ended with \(words(ending.status))\(lastWords(ending.complaints))")
            }
            do throws(ExecCredential.Fault) {
                return try ExecCredential(ending.output, apiVersion: program.apiVersion).shown
            } catch { throw failed(error.words) }
        case .failed(let error) where error.code == .executableNotFound:
            throw KubernetesError(
                .configuration,
                what: "There is no program \"\(program.command.logSafe)\"",
                place: program.place.logSafe,
                remedy: program.installHint.isEmpty
                    ? "Install it, or correct the name." : program.installHint.logSafe
            )
        case .failed(let error) where error.code == .outputLimitExceeded:
            throw failed("it says more than \(Self.longestOutput) bytes")
        case .failed(let error):
            throw failed("it cannot be run: \(error.description.logSafe)")
        case .tooLong:
            throw failed("it did not end within \(program.timeLimit.components.seconds) s")
        case .cancelled:
            throw KubernetesError(.cancelled, what: "Cancelled", place: program.place.logSafe)
        }
    }

    private struct Ending: Sendable {
        let status: TerminationStatus
        let output: [UInt8]
        let complaints: [UInt8]
    }

    private enum Outcome: Sendable {
        case ended(Ending)
        case failed(SubprocessError)
        case tooLong
        case cancelled
    }

    private func outcome() async -> Outcome {
        let limit = program.timeLimit
        let first = await withTaskGroup(of: Outcome?.self) { group in
            group.addTask { await run() }
            group.addTask {
                // nil: the program was quicker, or we were cancelled.
                do { try await Task.sleep(for: limit) } catch { return nil }
                return .tooLong
            }
            var first: Outcome?
            for await outcome in group {
                if first == nil, let outcome { first = outcome }
                group.cancelAll()
            }
            return first
        }
        if case .tooLong = first { return .tooLong }
        return Task.isCancelled ? .cancelled : first ?? .cancelled
    }

    private func run() async -> Outcome {
        var options = PlatformOptions()
        // Without a session of its own, ending its process group would end ours.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)
        ]
        let isPath = program.command.utf8.contains(UInt8(ascii: "/"))
        var additions: [Environment.Key: String?] = [:]
        for (name, value) in program.environment {
            if let key = Environment.Key(rawValue: name) { additions[key] = value }
        }
        additions["KUBERNETES_EXEC_INFO"] = program.execInfo
        do {
            let result = try await Subprocess.run(
                isPath ? .path(FilePath(program.command)) : .name(program.command),
                arguments: Arguments(program.arguments),
                environment: .inherit.updating(additions),
                platformOptions: options,
                output: .bytes(limit: Self.longestOutput),
                error: .bytes(limit: Self.longestOutput)
            )
            return .ended(
                Ending(
                    status: result.terminationStatus,
                    output: result.standardOutput,
                    complaints: result.standardError
                )
            )
        } catch let error as SubprocessError {
            return .failed(error)
        } catch {
            return .cancelled
        }
    }

    private func failed(_ why: String) -> KubernetesError {
        KubernetesError(
            .noCredentials,
            what: "The program \"\(program.command.logSafe)\" gave no credentials: \(why)",
            place: program.place.logSafe,
            remedy: "Run it by hand, as the user that we run as."
        )
    }

    private func words(_ status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "status \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }

    private func lastWords(_ bytes: [UInt8]) -> String {
        let line = bytes.split(separator: UInt8(ascii: "\n"))
            .last { line in line.contains { $0 > 0x20 } }
        return line.map { ": " + $0.prefix(500).logSafe } ?? ""
    }
}
