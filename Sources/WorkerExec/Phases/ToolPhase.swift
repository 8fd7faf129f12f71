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
    let frames: FrameWriter

    /// What the phase came to.
    enum Outcome: Sendable {
        case ended(ToolOutcome)
        /// This container was told to stop while the tool ran.
        case stopped(ToolOutcome)
        /// The tool's container was killed from outside.
        case killed(ToolOutcome)

        /// Why an attempt that does not count ended.
        var disruption: String {
            if case .killed(let tool) = self, let detail = tool.detail { return detail }
            return "The container was told to stop while the tool ran."
        }

        var wasTold: Bool {
            if case .stopped = self { true } else { false }
        }

        /// How the tool ended, whatever becomes of it.
        var tool: ToolOutcome {
            switch self {
            case .ended(let tool), .stopped(let tool), .killed(let tool): tool
            }
        }
    }

    func callAsFunction(_ signals: SignalInbox) async throws(WorkerFailure) -> Outcome {
        // Without it, what the tool leaves behind goes to pid 1 of the pod and is killed there.
        _ = clinux_become_subreaper()
        do throws(StagingError) {
            return try await run(signals)
        } catch {
            throw WorkerFailure(error, toolRan: false)
        }
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
            // Another machine, or this one in a while, may start it.
            guard error.code != .io else { throw error }
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
        // They are open here, and would not be for the push.
        roots.reopen(spec.leavings)
        var tool = try outcome(ending, stop, killsBefore, roots)
        tool.seconds = Clock.monotonicSeconds() - start
        return stop == .signal ? .stopped(tool) : .ended(tool)
    }

    private func outcome(
        _ ending: ProcessReaper.Ending,
        _ stop: ToolSupervision.Stop?,
        _ killsBefore: Int?,
        _ roots: RootSet
    ) throws(StagingError) -> ToolOutcome {
        var tool = ToolOutcome(
            end: .ended,
            exitCode: nil,
            scriptStatus: ending.status,
            cpuSeconds: ending.cpuSeconds,
            peakResidentBytes: ending.peakResidentBytes
        )
        switch try ExitCodeFile.read(spec.job.exitCode, in: roots) {
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
