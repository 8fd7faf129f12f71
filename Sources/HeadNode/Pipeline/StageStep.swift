// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

/// Surveys, plans, stages, and stores the spec, which is never changed afterwards.
struct StageStep: Sendable {
    let description: JobDescription
    let settings: Settings
    let store: S3Store
    let layout: JobLayout
    let run: RunID
    let observe: RunObserver

    /// What was staged, as it was planned and as the worker is told of it.
    private struct Staged: Sendable {
        let plan: StagePlan
        let inputs: [InputEntry]
        /// The spec.
        let bytes: [UInt8]
    }

    /// - Returns: the spec's bytes, as they are in the bucket, and what staging cost.
    func callAsFunction() async throws(HeadError) -> (spec: [UInt8], cost: PhaseReport) {
        try description.checkObjects(settings)
        observe(.phaseBegan("stage"))
        let meter = PhaseMeter("stage")
        let clock = PhaseClock(store.metrics)
        let staged = try await staging("Cannot stage job \(description.galaxyID)") {
            () async throws(StagingError) in
            try await reporting(meter, observe) { () async throws(StagingError) in
                try await stage(meter)
            }
        }
        let isFirst = try await storing("Cannot store the spec of run \(run)") {
            () async throws(S3Error) in
            try await DocumentStore(store)
                .put(staged.bytes, at: layout.spec(run), condition: .absent)
        }
        await linkInputs(staged)
        let cost = clock.report(meter)
        observe(.phaseEnded(cost, alreadyThere: meter.reading.alreadyThere))
        if isFirst { return (staged.bytes, cost) }
        // A head that was cut off right here has stored it before; the worker may have it already.
        let stored = try await storing("Cannot read the spec of run \(run)") {
            () async throws(S3Error) in try await DocumentStore(store).bytes(layout.spec(run))
        }
        return (stored ?? staged.bytes, cost)
    }

    /// Puts links in place of inputs, if that is wanted. The job does not depend on it.
    private func linkInputs(_ staged: Staged) async {
        let keeper = settings.inputLinkKeeper(store, layout) { observe(.trouble($0)) }
        guard let keeper else { return }
        do throws(StagingError) {
            try await InputLinkRun(keeper)(staged.plan, staged.inputs)
        } catch {
            observe(.trouble("Inputs stay files, and are not linked: \(error.line)"))
        }
    }

    private func stage(_ meter: PhaseMeter) async throws(StagingError) -> Staged {
        try description.validate()
        do throws(StagingError) {
            return try await surveyAndStage(meter)
        } catch {
            // An input may have become a link meanwhile: another job has just made it or staged it.
            guard error.code == .changed, settings.outputs.mount != nil else { throw error }
            return try await surveyAndStage(meter)
        }
    }

    private func surveyAndStage(_ meter: PhaseMeter) async throws(StagingError) -> Staged {
        // A look at each of many files on a slow disk may take minutes: tasks have few threads.
        let plan = try await Threads.value { () throws(StagingError) in
            try StagePlan(
                JobSurvey(
                    description,
                    mount: settings.outputs.mount,
                    privateFiles: settings.privateFiles
                ),
                packBelow: settings.staging.packBelow,
                caching: settings.staging.caching
            )
        }
        let stage = StageRun(
            store: store,
            layout: layout,
            run: run,
            transfers: settings.staging.limits.transfers,
            meter: meter,
            uploads: .ofThisProcess
        )
        let spec = SpecPlan.spec(
            description,
            run: run,
            layout: layout,
            plan: plan,
            staged: try await stage(plan),
            policy: settings.staging
        )
        let bytes = try documents { () throws(ContractError) in try ContractCoding.encode(spec) }
        return Staged(plan: plan, inputs: spec.inputs, bytes: bytes)
    }
}

/// Tells `observe` ten times a second what `meter` has counted, while `work` runs.
func reporting<Value, Failure: Error>(
    _ meter: PhaseMeter,
    _ observe: @escaping RunObserver,
    _ work: () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    async let _: Void = tick(meter, observe)
    defer { observe(.progress(phase: meter.phase, meter.reading)) }
    return try await work()
}

private func tick(
    _ meter: PhaseMeter,
    _ observe: RunObserver
) async {
    while (try? await Task.sleep(for: .milliseconds(100))) != nil {
        observe(.progress(phase: meter.phase, meter.reading))
    }
}
