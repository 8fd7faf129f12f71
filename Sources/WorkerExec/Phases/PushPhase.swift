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
    let fetched: FetchPhase.HandOver
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
        let phases = [
            fetched.phase,
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
        _ = try await run([plan(survey.logs)], PhaseMeter("push"))
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
            fetched: fetchedStamps,
            elsewhere: fetched.elsewhere
        )
        let own = Set(spec.outputs.filter(\.ownObject).map(\.path))
        // Logs apart and first: they must not wait for the results' upload.
        let pushed = try await run([plan(survey.logs), plan(survey.files, own: own)], meter)
        return Pushed(
            files: pushed.files,
            packs: pushed.packs,
            directories: survey.directories,
            links: survey.links,
            refused: survey.refused,
            lost: survey.lost
        )
    }

    private func plan(
        _ files: [SurveyedFile],
        own: Set<FilePath> = []
    ) -> PushPlan { PushPlan(files, packBelow: attempt.spec.push.packBelow, own: own) }

    private func run(
        _ plans: [PushPlan],
        _ meter: PhaseMeter
    ) async throws(StagingError) -> PushRun.Pushed {
        let push = PushRun(
            store: attempt.patientStore,
            layout: attempt.keys,
            run: attempt.run,
            attempt: attempt.id,
            transfers: attempt.spec.limits.transfers,
            packDigest: attempt.spec.push.packDigest ?? .sha256,
            meter: meter
        )
        return try await push(plans)
    }

    private var fetchedStamps: [FilePath: FileStamp] {
        Dictionary(
            fetched.stamps.map { ($0.path, $0.stamp) },
            uniquingKeysWith: { first, _ in first }
        )
    }
}
