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
    let store: S3Store
    let executor: any Executor
    let folder: RunFolder
    let observe: RunObserver

    var layout: JobLayout { JobLayout(prefix: settings.prefix, instance: settings.instance) }

    /// Takes the job from where it is to its end.
    func run() async throws(HeadError) -> RunEnding {
        var state = try begin()
        let spec = try await stage(&state)
        let result = try await execute(spec, &state)
        let ending = try await conclude(result, spec)
        // Before the ending is noted: who is cut off here comes back and removes the rest.
        for done in state.tries { await remove(TryID(run: state.run, number: done.number)) }
        state.ending = ending
        try folder.note(state)
        observe(.ended(state.run, ending))
        return ending
    }

    /// Removes what is left of a try; that it cannot be is worth a word, and changes no result.
    private func remove(_ id: TryID) async {
        do throws(HeadError) {
            try await executor.remove(id)
        } catch {
            observe(.note(error.line))
        }
    }

    /// The run that goes on in this job directory, or a new one.
    private func begin() throws(HeadError) -> RunState {
        if let state = try folder.state(), state.ending == nil,
            state.descriptionSHA256 == descriptionSHA256
        {
            observe(.began(state.run, isResumed: true))
            return state
        }
        guard let job = GalaxyJobID(description.galaxyID) else {
            throw HeadError(.description, what: "galaxy_id is no job id")
        }
        let state = RunState(run: RunID(drawnFor: job), descriptionSHA256: descriptionSHA256)
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
        let step = StageStep(
            description: description,
            settings: settings,
            store: store,
            layout: layout,
            run: state.run,
            observe: observe
        )
        let bytes = try await step()
        try folder.keep(spec: bytes)
        state.specSHA256 = SHA256Digest(of: bytes)
        try folder.note(state)
        return try decode(bytes)
    }

    /// Tries until there is a result, or no try is left.
    private func execute(
        _ spec: RunSpec,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult {
        guard let specSHA256 = state.specSHA256 else {
            throw HeadError(.machine, what: "Run \(state.run) has no spec")
        }
        let step = ExecuteStep(
            settings: settings,
            store: store,
            desk: ResultDesk(store: store, layout: layout, run: state.run),
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
            let desk = ResultDesk(store: store, layout: layout, run: result.run)
            let report = try await desk.report(of: attempt, sha256: sha256)
            let step = CollectStep(store: store, settings: settings, observe: observe)
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
