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

    /// - Returns: the spec's bytes, as they are in the bucket.
    func callAsFunction() async throws(HeadError) -> [UInt8] {
        try description.checkObjects(settings)
        observe(.phaseBegan("stage"))
        let meter = PhaseMeter("stage")
        let clock = PhaseClock(store.metrics)
        let bytes = try await staging("Cannot stage job \(description.galaxyID)") {
            () async throws(StagingError) in
            try await reporting(meter, observe) { () async throws(StagingError) in
                try await stage(meter)
            }
        }
        let isFirst = try await storing("Cannot store the spec of run \(run)") {
            () async throws(S3Error) in
            try await DocumentStore(store).put(bytes, at: layout.spec(run), condition: .absent)
        }
        observe(.phaseEnded(clock.report(meter), alreadyThere: meter.reading.alreadyThere))
        if isFirst { return bytes }
        // A head that was cut off right here has stored it before; the worker may have it already.
        let stored = try await storing("Cannot read the spec of run \(run)") {
            () async throws(S3Error) in try await DocumentStore(store).bytes(layout.spec(run))
        }
        return stored ?? bytes
    }

    private func stage(_ meter: PhaseMeter) async throws(StagingError) -> [UInt8] {
        try description.validate()
        do throws(StagingError) {
            return try await surveyAndStage(meter)
        } catch {
            // An input may have become a link meanwhile: it is an output of a job that was finished just
            // now.
            guard error.code == .changed, settings.outputs.mode == .link else { throw error }
            return try await surveyAndStage(meter)
        }
    }

    private func surveyAndStage(_ meter: PhaseMeter) async throws(StagingError) -> [UInt8] {
        let survey = try JobSurvey(description, mount: settings.outputs.mount)
        let plan = try StagePlan(survey, packBelow: settings.staging.packBelow)
        let stage = StageRun(
            store: store,
            layout: layout,
            run: run,
            transfers: settings.staging.limits.transfers,
            meter: meter
        )
        let spec = SpecPlan.spec(
            description,
            run: run,
            layout: layout,
            plan: plan,
            staged: try await stage(plan),
            policy: settings.staging
        )
        return try documents { () throws(ContractError) in try ContractCoding.encode(spec) }
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
