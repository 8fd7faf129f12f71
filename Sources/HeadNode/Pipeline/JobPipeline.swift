// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// One job's way through the bucket: stage, submit, follow, collect.
///
/// Every step notes what must not happen twice before it happens, so the pipeline may be cut off
/// anywhere; the next one for the same job directory goes on from the notes, the bucket and the
/// executor.
struct JobPipeline: Sendable {
    let description: JobDescription
    let descriptionSHA256: SHA256Digest
    let settings: Settings
    /// Where runs live by the configuration of today.
    let place: RunPlace
    let store: S3Store
    let executor: any Executor
    let folder: RunFolder
    let observe: RunObserver

    var layout: JobLayout { JobLayout(prefix: settings.prefix, instance: settings.instance) }

    /// What `prepare` has found.
    enum Prepared: Sendable {
        /// The run was ended while it was being staged.
        case over(RunEnding)
        /// What a try needs is in the bucket.
        case ready(RunSpec)
    }

    /// Takes the job from where it is to its end.
    func run() async throws(HeadError) -> RunEnding {
        try await checkDescription()
        var (state, isResumed) = try await begin()
        switch try await prepare(&state, isResumed: isResumed) {
        case .over(let ending): return ending
        case .ready(let spec):
            let result = try await execute(spec, &state)
            let ending = try await finish(result, spec, &state)
            // Who has waited for it has what it came to, and says no more. It has ended, noted or not.
            try? RunNotes.forget(state.run, in: description.jobDirectory)
            return ending
        }
    }

    /// Stages what is not staged yet. It may be cut off, and begun again, as every step may.
    ///
    /// - Parameter isResumed: whether others have had this run before.
    func prepare(
        _ state: inout RunState,
        isResumed: Bool
    ) async throws(HeadError) -> Prepared {
        // A run that was ended while it was being staged needs no more staging.
        if isResumed, case .ended(let reason, let message) = try await desk(state).result()?.verdict
        {
            return .over(try await close(&state, RunEnding(reason, message)))
        }
        return .ready(try await stage(&state))
    }

    /// Brings back what the run came to, and notes its end.
    func finish(
        _ result: RunResult,
        _ spec: RunSpec,
        _ state: inout RunState
    ) async throws(HeadError) -> RunEnding {
        try await close(&state, try await conclude(result, spec))
    }

    /// Brings the results of a run that has ended back once more.
    func collectAgain() async throws(HeadError) {
        let again = Recollection(store: store, settings: settings, place: place, observe: observe)
        _ = try await again(description, try RunNotes(description), folder)
    }

    /// Finds what is wrong with the description itself before anything is noted.
    private func checkDescription() async throws(HeadError) {
        try await staging("Cannot run job \(description.galaxyID.logSafe)") {
            () async throws(StagingError) in try description.validate()
        }
    }

    /// Notes how the run ended, when nothing of it is left.
    func close(
        _ state: inout RunState,
        _ ending: RunEnding
    ) async throws(HeadError) -> RunEnding {
        // Before the ending is noted: who is cut off here comes back and removes the rest.
        for done in state.tries {
            let isSuccess = done.verdict == nil && ending.exitCode != nil
            await remove(state.id(done), isSuccess: isSuccess)
        }
        try folder.keep(JobFigures(state, ending))
        state.ending = ending
        try folder.note(state)
        observe(.ended(state.run, ending))
        return ending
    }

    /// Removes what is left of a try; that it cannot be is worth a word, and changes no result.
    private func remove(
        _ id: TryID,
        isSuccess: Bool
    ) async {
        do throws(HeadError) {
            try await executor.remove(id, isSuccess: isSuccess)
        } catch {
            observe(.trouble(error.line))
        }
    }

    private func desk(_ state: RunState) -> ResultDesk {
        ResultDesk(store: store, settings: settings, run: state.run)
    }

    /// The run that goes on in this job directory, or a new one.
    private func begin() async throws(HeadError) -> (RunState, isResumed: Bool) {
        guard var state = try folder.state() else { return (try beginNew(), false) }
        if state.ending == nil {
            let isSame =
                state.descriptionSHA256 == descriptionSHA256
                && state.place?.agrees(with: place) ?? true
            if isSame {
                observe(.began(state.run, isResumed: true))
                return (state, true)
            }
            // Of a run that never got to its first try, no worker knows.
            if state.tries.isEmpty { return (try beginNew(), false) }
            try state.check(place)
            _ = try await close(&state, try await endedRun(state))
        }
        if let ending = state.ending {
            let how = ending.state.rawValue
            observe(.note("Run \(state.run) of this job ended before (\(how)); this is a new run."))
        }
        return (try beginNew(), false)
    }

    /// How a run of another description ended, if it did.
    private func endedRun(_ state: RunState) async throws(HeadError) -> RunEnding {
        let result = try await desk(state).result()
        if case .ended(let reason, let message) = result?.verdict {
            return RunEnding(reason, message)
        }
        let isOver = result != nil
        throw HeadError(
            .otherRun,
            what: "Run \(state.run) of this job \(isOver ? "has results" : "goes on"), and the job "
                + "description is another one than it began with",
            remedy: isOver
                ? "Bring them back by `galaxy-head-node collect --job …`, or restore the description."
                : "End it by `galaxy-head-node cancel --job …`, or restore the description."
        )
    }

    private func beginNew() throws(HeadError) -> RunState {
        guard let job = GalaxyJobID(description.galaxyID) else {
            throw HeadError(.description, what: "galaxy_id is no job id")
        }
        try description.check(settings.outputs.mode)
        let state = RunState(
            run: RunID(drawnFor: job),
            descriptionSHA256: descriptionSHA256,
            place: place
        )
        try folder.note(state)
        observe(.began(state.run, isResumed: false))
        return state
    }

    /// Everything the worker needs is in the bucket, and so is the spec that says so.
    private func stage(_ state: inout RunState) async throws(HeadError) -> RunSpec {
        if let promised = state.specSHA256, let bytes = try folder.spec(),
            SHA256Digest(of: bytes) == promised
        {
            return try decode(bytes)
        }
        try await lookAtBucket(state.run)
        let step = StageStep(
            description: description,
            settings: settings,
            store: store,
            layout: layout,
            run: state.run,
            observe: observe
        )
        let (bytes, cost) = try await step()
        try folder.keep(spec: bytes)
        state.specSHA256 = SHA256Digest(of: bytes)
        state.stage = cost
        try folder.note(state)
        return try decode(bytes)
    }

    /// Finds out that there is no such bucket, or no way in, before files are sent: some stores make
    /// a bucket for whoever stores into it.
    private func lookAtBucket(_ run: RunID) async throws(HeadError) {
        let prefix = Array(layout.runPrefix(run).utf8)
        try await storing("Cannot use the bucket \(settings.storage.bucket)") {
            () async throws(S3Error) in
            _ = try await store.list(prefix: prefix, delimiter: nil, token: nil, limit: 1)
        }
    }

    /// Tries until there is a result, or no try is left.
    func execute(
        _ spec: RunSpec,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult {
        guard let specSHA256 = state.specSHA256 else {
            throw HeadError(.machine, what: "Run \(state.run) has no spec")
        }
        let step = ExecuteStep(
            settings: settings,
            store: store,
            desk: desk(state),
            executor: executor,
            folder: folder,
            description: description,
            observe: observe
        )
        return try await step(spec, specSHA256, &state)
    }

    /// Acts on the result.
    private func conclude(
        _ result: RunResult,
        _ spec: RunSpec
    ) async throws(HeadError) -> RunEnding {
        switch result.verdict {
        case .committed(let attempt, let sha256):
            let desk = ResultDesk(store: store, settings: settings, run: result.run)
            let report: AttemptReport
            do throws(HeadError) {
                report = try await desk.report(of: attempt, sha256: sha256, in: result)
            } catch {
                // What was committed is gone for good: the run is over, and a new one may begin.
                guard error.code == .damaged else { throw error }
                return RunEnding(.failed, error.line)
            }
            let step = CollectStep(
                store: store,
                settings: settings,
                description: description,
                observe: observe
            )
            do throws(HeadError) {
                return try await step(report, spec)
            } catch {
                // What no worker of ours writes will not get better by collecting it again.
                guard (error.cause as? StagingError)?.code == .refused else { throw error }
                return RunEnding(.failed, error.line)
            }
        case .ended(let reason, let message):
            return RunEnding(reason, message)
        }
    }

    private func decode(_ bytes: [UInt8]) throws(HeadError) -> RunSpec {
        do throws(ContractError) {
            return try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
        } catch {
            throw HeadError(.machine, what: error.what, remedy: error.remedy)
        }
    }
}

extension RunEnding {
    /// A run that the head ended.
    init(
        _ reason: RunResult.EndReason,
        _ message: String
    ) {
        let state: State =
            switch reason {
            case .cancelled: .cancelled
            case .outOfMemory: .outOfMemory
            case .walltime: .walltime
            case .failed: .failed
            }
        self.init(
            state: state,
            exitCode: nil,
            message: message,
            phases: [],
            refused: [],
            cpuSeconds: 0,
            peakResidentBytes: 0
        )
    }
}
