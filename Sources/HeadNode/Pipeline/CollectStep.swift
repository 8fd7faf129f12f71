// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import S3Client
import Staging

/// Brings a committed attempt's files to Galaxy's directories, and says how the run ended.
struct CollectStep: Sendable {
    let store: S3Store
    let settings: Settings
    let description: JobDescription
    let observe: RunObserver

    func callAsFunction(
        _ report: AttemptReport,
        _ spec: RunSpec
    ) async throws(HeadError) -> RunEnding {
        for phase in report.phases {
            for note in phase.notes ?? [] { observe(.note("The worker: \(note.logSafe)")) }
            observe(.phaseEnded(phase, alreadyThere: 0))
        }
        observe(.phaseBegan("collect"))
        let meter = PhaseMeter("collect")
        let copied = PhaseMeter("copy")
        let clock = PhaseClock(store.metrics)
        let settling = try await staging("Cannot collect run \(report.run)") {
            () async throws(StagingError) in
            try await reporting(meter, observe) { () async throws(StagingError) in
                let collect = CollectRun(
                    store: store,
                    transfers: settings.staging.limits.transfers,
                    meter: meter
                )
                var plan = try OutputPlan(
                    report,
                    of: spec,
                    given: GivenPlaces(spec, description),
                    mode: settings.outputs.mode
                )
                let keeper = keeper(spec, copied)
                try await keeper.examine(&plan)
                try await collect(plan.collected)
                let settling = PhaseClock(store.metrics)
                try await keeper.settle(plan)
                return settling
            }
        }
        var phases = [clock.report(meter)]
        // Part of `collect`, which has moved none of these bytes.
        if copied.reading.totalFiles > 0 { phases.append(settling.report(copied)) }
        for phase in phases { observe(.phaseEnded(phase, alreadyThere: 0)) }
        return RunEnding(report, adding: phases)
    }

    /// Who looks after outputs that stay in the bucket.
    private func keeper(_ spec: RunSpec, _ copied: PhaseMeter) -> any OutputKeeper {
        if settings.outputs.mode == .objectStore {
            return GalaxyStoreKeeper(
                store: store,
                spec: spec,
                transfers: settings.staging.limits.transfers,
                meter: copied
            ) { observe(.trouble($0)) }
        }
        return settings.linkKeeper(store, spec.layout.keys) { observe(.trouble($0)) }
            ?? CopyKeeper()
    }
}

extension RunEnding {
    /// A run whose attempt was committed.
    init(
        _ report: AttemptReport,
        adding collect: [PhaseReport]
    ) {
        let tool = report.tool
        let state: State =
            switch tool.end {
            // An output that Galaxy waits for and does not get must not be called right.
            case .ended where tool.exitCode == 0: report.lost.isEmpty ? .ok : .failed
            case .ended: .toolFailed
            case .noExitCode, .notStarted: .failed
            case .walltime: .walltime
            case .outOfMemory: .outOfMemory
            }
        // The tool may have had a hand in what the report says.
        var message = (tool.detail ?? "").printable
        if state == .toolFailed, let code = tool.exitCode {
            message = "The tool ended with exit code \(code)."
        }
        if let advice = Self.advice(on: tool.end) {
            message += (message.isEmpty ? "" : " ") + advice + "."
        }
        if state == .failed, let first = report.lost.first {
            let others = report.lost.count - 1
            message +=
                (message.isEmpty ? "" : " ") + first.printable
                + (others > 0 ? ", and \(others) more." : ".")
                + " All else came back; see the tool's own output for why."
        }
        self.init(
            state: state,
            exitCode: tool.exitCode,
            message: message,
            phases: report.phases + collect,
            refused: (report.refused + report.lost).map(\.printable),
            cpuSeconds: tool.cpuSeconds,
            peakResidentBytes: tool.peakResidentBytes
        )
    }

    /// What to do about a tool that did not come to its own end.
    private static func advice(on end: ToolOutcome.End) -> String? {
        switch end {
        case .ended: nil
        case .notStarted: "Use an image that has what the job's command names"
        case .noExitCode: "See the job's standard error for what ended its script"
        case .outOfMemory: LimitAdvice.memory
        case .walltime: LimitAdvice.time
        }
    }
}
