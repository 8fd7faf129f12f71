// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Runs Galaxy's job script to its end, or stops it, and says how it ended. It speaks to no store.
struct ToolPhase: Sendable {
    let spec: RunSpec
    let state: StateFolder
    let frames: FrameWriter

    /// What the phase came to.
    enum Outcome: Sendable {
        case ended(ToolOutcome)
        /// This container was told to stop while the tool ran.
        case stopped(ToolOutcome)
    }

    /// What `push` needs to know of the tool.
    struct HandOver: Codable {
        var tool: ToolOutcome
        /// Only this container may have been told so far; what the tool left is no result either way.
        var wasToldToStop: Bool

        init(_ outcome: Outcome) {
            switch outcome {
            case .ended(let tool):
                self.tool = tool
                wasToldToStop = false
            case .stopped(let tool):
                self.tool = tool
                wasToldToStop = true
            }
        }
    }

    func callAsFunction(_ signals: SignalInbox) async throws(WorkerFailure) -> Outcome {
        // The lock says that this process lives; the kernel lets go of it however it ends.
        let lock = try state.toolLock()
        guard flock(lock.raw, LOCK_EX | LOCK_NB) == 0 else {
            throw WorkerFailure(.usage, "The tool of this job is running already.")
        }
        try state.write([], as: .toolStarted)
        // Without it, what the tool leaves behind goes to pid 1 of the pod and is killed there.
        _ = clinux_become_subreaper()
        let outcome: Outcome
        do throws(StagingError) {
            outcome = try await run(signals)
        } catch {
            throw WorkerFailure(error, toolRan: false)
        }
        try state.write(HandOver(outcome), as: .tool)
        return withExtendedLifetime(lock) { outcome }
    }

    private func run(_ signals: SignalInbox) async throws(StagingError) -> Outcome {
        let roots = try RootSet(spec.roots)
        try roots.remove(spec.job.exitCode)
        let killsBefore = MemoryEvents.kills()
        let start = Clock.monotonicSeconds()
        let launch = ProcessLaunch(
            command: spec.command,
            workingDirectory: spec.workingDirectory,
            environment: ToolEnvironment.make(
                own: ProcessLaunch.ownEnvironment(),
                added: spec.environment
            ),
            stdout: try roots.create(spec.job.jobStdout),
            stderr: try roots.create(spec.job.jobStderr)
        )
        let reaper: ProcessReaper
        do throws(StagingError) {
            reaper = ProcessReaper(try launch.start())
        } catch {
            return .ended(
                ToolOutcome(
                    end: .notStarted,
                    exitCode: nil,
                    scriptStatus: nil,
                    detail: error.line
                )
            )
        }
        let supervision = ToolSupervision(
            reaper: reaper,
            limits: spec.limits,
            followers: [
                StreamFollower(.stdout, at: spec.job.toolStdout, in: roots, frames: frames),
                StreamFollower(.stderr, at: spec.job.toolStderr, in: roots, frames: frames),
            ],
            frames: frames
        )
        let (ending, stop) = await supervision(signals)
        var tool = outcome(ending, stop, killsBefore, roots)
        tool.seconds = Clock.monotonicSeconds() - start
        return stop == .signal ? .stopped(tool) : .ended(tool)
    }

    private func outcome(
        _ ending: ProcessReaper.Ending,
        _ stop: ToolSupervision.Stop?,
        _ killsBefore: Int?,
        _ roots: RootSet
    ) -> ToolOutcome {
        var tool = ToolOutcome(
            end: .ended,
            exitCode: nil,
            scriptStatus: ending.status,
            cpuSeconds: ending.cpuSeconds,
            peakResidentBytes: ending.peakResidentBytes
        )
        switch ExitCodeFile.read(spec.job.exitCode, in: roots) {
        case .success(let code): tool.exitCode = code
        case .failure(let missing):
            tool.end = .noExitCode
            tool.detail =
                "The job script ended with status \(ending.status) and left no exit code:"
                + " \(missing.text)."
        }
        let kills = MemoryEvents.kills() ?? 0
        if kills > killsBefore ?? kills, !tool.succeeded {
            tool.end = .outOfMemory
            tool.detail =
                "The kernel killed \(kills - (killsBefore ?? 0)) of the tool's processes"
                + " because the container's memory was used up."
        }
        if stop == .walltime {
            tool.end = .walltime
            tool.detail =
                "The tool was stopped after \(spec.limits.walltimeSeconds ?? 0) seconds,"
                + " its walltime."
        }
        return tool
    }
}
