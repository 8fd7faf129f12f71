// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// After the tool: stores logs, then results, then the report, and commits.
struct PushPhase: Sendable {
    let attempt: Attempt
    let frames: FrameWriter

    /// Stores everything and commits this attempt.
    ///
    /// - Returns: normally when a result exists, this attempt's or another's.
    func callAsFunction(_ tool: ToolOutcome) async throws(WorkerFailure) {
        let meter = PhaseMeter("push")
        let clock = PhaseClock(attempt.store.metrics)
        let pushed: Pushed
        do throws(StagingError) {
            pushed = try await frames.showing({ meter.frame }) {
                () async throws(StagingError) -> Pushed in
                try await push(tool, meter)
            }
        } catch {
            throw WorkerFailure(error, toolRan: true)
        }
        let handOver = try attempt.state.require(FetchPhase.HandOver.self, from: .fetched)
        let phases = [
            handOver.phase,
            PhaseReport(name: "tool", seconds: tool.seconds),
            clock.report(meter),
        ]
        let report = AttemptReport(
            run: attempt.run,
            attempt: attempt.id,
            specSHA256: attempt.specSHA256,
            worker: Release.version,
            tool: tool,
            files: pushed.files.sorted { $0.path < $1.path },
            directories: pushed.directories,
            links: pushed.links,
            packs: pushed.packs,
            refused: pushed.refused,
            lost: pushed.lost,
            phases: phases
        )
        try await Commit(attempt: attempt)(report)
    }

    /// Stores the logs alone, for an attempt that was told to stop.
    func logs() async throws(StagingError) {
        let roots = try attempt.roots()
        let survey = try PushSurvey(attempt.spec, roots, scope: .logs, fetched: [:])
        var numbers = PushRun.Numbers()
        _ = try await run(survey.logs, PhaseMeter("push"), &numbers, own: [])
    }

    private struct Pushed: Sendable {
        var files: [PushedFile] = []
        var packs: [PackEntry] = []
        var directories: [DirectoryEntry] = []
        var links: [LinkEntry] = []
        var refused: [String] = []
        var lost: [String] = []
    }

    private func push(
        _ tool: ToolOutcome,
        _ meter: PhaseMeter
    ) async throws(StagingError) -> Pushed {
        let spec = attempt.spec
        let survey = try PushSurvey(
            spec,
            try attempt.roots(),
            scope: tool.succeeded ? .all : spec.push.onFailure,
            fetched: try fetchedStamps()
        )
        var numbers = PushRun.Numbers()
        // Apart and first: they must not depend on the results' upload.
        let logs = try await run(survey.logs, meter, &numbers, own: [])
        let own = Set(spec.outputs.filter(\.ownObject).map(\.path))
        let results = try await run(survey.files, meter, &numbers, own: own)
        return Pushed(
            files: logs.files + results.files,
            packs: logs.packs + results.packs,
            directories: survey.directories,
            links: survey.links,
            refused: survey.refused,
            lost: survey.lost
        )
    }

    private func run(
        _ files: [SurveyedFile],
        _ meter: PhaseMeter,
        _ numbers: inout PushRun.Numbers,
        own: Set<FilePath>
    ) async throws(StagingError) -> PushRun.Pushed {
        let push = PushRun(
            store: attempt.patientStore,
            layout: attempt.keys,
            run: attempt.run,
            attempt: attempt.id,
            transfers: attempt.spec.limits.transfers,
            meter: meter
        )
        let plan = PushPlan(files, packBelow: attempt.spec.push.packBelow, own: own)
        return try await push(plan, numbers: &numbers)
    }

    private func fetchedStamps() throws(StagingError) -> [FilePath: FileStamp] {
        do throws(WorkerFailure) {
            let handOver = try attempt.state.require(FetchPhase.HandOver.self, from: .fetched)
            let stamps = handOver.stamps.map { ($0.path, $0.stamp) }
            return Dictionary(stamps, uniquingKeysWith: { first, _ in first })
        } catch {
            throw StagingError(.io, what: error.message)
        }
    }
}
