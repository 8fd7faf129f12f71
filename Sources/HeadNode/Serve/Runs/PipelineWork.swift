// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// Carries runs through the one pipeline, a limited number of them at a time where files move.
struct PipelineWork: RunWork {
    let session: Session
    let destinations: DestinationSettings
    let server: ServerName
    /// Bounds how many jobs' files move at once.
    let turns: Turnstile
    /// Bounds how many runs hold files open.
    let flights: Turnstile

    // MARK: Open

    func open(_ submission: Submission) async throws(Refusal) -> OpenedRun {
        let settings: RunSettings
        do throws(ConfigError) {
            settings = try destinations.find(submission.destination)
        } catch {
            throw Refusal(error)
        }
        do throws(HeadError) {
            return try await inShortTask { () async throws(HeadError) in
                try await open(submission, settings)
            }
        } catch {
            throw Refusal(error)
        }
    }

    private func open(
        _ submission: Submission,
        _ settings: RunSettings
    ) async throws(HeadError) -> OpenedRun {
        let (description, digest) = try DescriptionFile.read(submission.job.bytes)
        do throws(StagingError) {
            try description.validate()
        } catch {
            throw HeadError(error, doing: "Cannot run job \(description.galaxyID.logSafe)")
        }
        guard let galaxyID = GalaxyJobID(description.galaxyID),
            submission.run?.job ?? galaxyID == galaxyID
        else {
            throw HeadError(.description, what: "The run is not one of job \(description.galaxyID)")
        }
        let folder = try RunFolder(jobDirectory: description.jobDirectory)
        let place = RunPlace(settings.settings)
        let opening = try RunOpening(
            noted: try folder.state(),
            wanted: submission.run,
            descriptionSHA256: digest,
            place: place
        )
        func opened(_ state: RunState, isResumed: Bool) -> OpenedRun {
            OpenedRun(
                job: submission.job,
                run: state.run,
                descriptionSHA256: digest,
                settings: settings,
                destination: submission.destination?.name,
                demand: RunDemand(description, settings.settings),
                isResumed: isResumed,
                ending: state.ending
            )
        }
        switch opening {
        case .takeUp(let state): return opened(state, isResumed: true)
        case .supersede(let state):
            try state.check(settings.settings)
            let words = "Galaxy has begun the job anew."
            let outcome = await endStep(state.run, settings.settings)(state, .cancelled, words) {
                () throws(HeadError) in folder
            }
            _ = try outcome.fence.get()
            if let trouble = outcome.trouble { throw trouble }
        case .begin: break
        }
        let state = RunState(
            run: submission.run ?? RunID(drawnFor: galaxyID),
            descriptionSHA256: digest,
            place: place
        )
        try folder.note(state)
        return opened(state, isResumed: false)
    }

    func find(_ job: FilePath) async throws(Refusal) -> OpenedRun {
        do throws(HeadError) {
            let (description, digest) = try DescriptionFile.read(job.bytes)
            let state = try RunNotes(description).state
            let settings = RunSettings(session.settings)
            return OpenedRun(
                job: job,
                run: state.run,
                descriptionSHA256: digest,
                settings: settings,
                destination: nil,
                demand: RunDemand(),
                isResumed: true,
                ending: state.ending
            )
        } catch {
            throw Refusal(error)
        }
    }

    // MARK: Carry

    /// A run whose pipeline has the folder. A class, so that those who wait in line keep room for a
    /// pointer, not for all of this.
    private final class Flight {
        let pipeline: JobPipeline
        var state: RunState
        let prepared: JobPipeline.Prepared

        init(_ departure: Departure) {
            pipeline = departure.pipeline
            state = departure.state
            prepared = departure.prepared
        }

        func execute(_ spec: RunSpec) async throws(HeadError) -> RunResult {
            try await pipeline.execute(spec, &state)
        }

        func finish(_ result: RunResult, _ spec: RunSpec) async throws(HeadError) -> RunEnding {
            try await pipeline.finish(result, spec, &state)
        }
    }

    /// What a flight begins with.
    private struct Departure {
        let pipeline: JobPipeline
        let state: RunState
        let prepared: JobPipeline.Prepared
    }

    func carry(
        _ run: OpenedRun,
        _ observe: @escaping RunObserver
    ) async throws(HeadError) -> RunEnding {
        try await flights.pass { () async throws(HeadError) -> RunEnding in
            let flight = try await turns.pass { () async throws(HeadError) in
                Flight(
                    try await inShortTask { () async throws(HeadError) in
                        try await depart(run, observe)
                    }
                )
            }
            switch flight.prepared {
            case .over(let ending): return ending
            case .ready(let spec):
                let result = try await flight.execute(spec)
                return try await turns.pass(.urgent) { () async throws(HeadError) in
                    try await flight.finish(result, spec)
                }
            }
        }
    }

    private func depart(
        _ run: OpenedRun,
        _ observe: @escaping RunObserver
    ) async throws(HeadError) -> Departure {
        let (description, folder, noted) = try take(run)
        var state = noted
        let settings = run.settings.settings
        let watch = StoreWatch()
        let store = session.store.part { event in
            let word = watch.word(on: event, now: Clock.monotonicSeconds())
            if let word { observe(.note(word)) }
        }
        let pipeline = JobPipeline(
            description: description,
            descriptionSHA256: run.descriptionSHA256,
            settings: settings,
            store: store,
            executor: try session.executor(
                for: subject(description, run.destination),
                settings
            ),
            folder: folder,
            observe: observe
        )
        if let ending = state.ending {
            return Departure(pipeline: pipeline, state: state, prepared: .over(ending))
        }
        let prepared = try await pipeline.prepare(&state, isResumed: run.isResumed)
        return Departure(pipeline: pipeline, state: state, prepared: prepared)
    }

    /// The run's folder, which must still be this run's.
    private func take(
        _ run: OpenedRun
    ) throws(HeadError) -> (JobDescription, RunFolder, RunState) {
        let description = try describe(run)
        let folder = try RunFolder(jobDirectory: description.jobDirectory)
        guard let state = try folder.state(), state.run == run.run else {
            throw HeadError(
                .otherRun,
                what: "The notes of run \(run.run) are gone, or another run has taken its place",
                place: description.jobDirectory.logSafe
            )
        }
        return (description, folder, state)
    }

    private func describe(_ run: OpenedRun) throws(HeadError) -> JobDescription {
        let (description, digest) = try DescriptionFile.read(run.job.bytes)
        guard digest == run.descriptionSHA256 else {
            throw HeadError(
                .otherRun,
                what: "The description of run \(run.run) was changed while the run goes on",
                place: run.job.logSafe
            )
        }
        return description
    }

    func isUnderWay(_ run: OpenedRun) -> Bool {
        guard let description = try? describe(run), let notes = try? RunNotes(description) else {
            // What cannot be seen is not given up lightly.
            return true
        }
        return notes.state.run == run.run && !notes.state.tries.isEmpty
    }

    private func subject(
        _ description: JobDescription,
        _ destination: String?
    ) -> JobSubject {
        JobSubject(
            toolID: description.toolID,
            image: description.image,
            handler: server.description,
            destination: destination
        )
    }

    // MARK: End

    func end(
        _ run: OpenedRun,
        _ reason: RunResult.EndReason,
        _ message: String,
        tries: Int,
        leavingResults: Bool
    ) async throws(HeadError) -> RunEnding? {
        let (folder, noted) = try remains(of: run)
        var state = noted ?? Self.state(of: run, tries: tries)
        guard state.run == run.run else {
            throw HeadError(.otherRun, what: "Another run has taken the place of \(run.run)")
        }
        if let ending = state.ending { return ending }
        var ending = RunEnding(reason, message)
        // Nobody but who holds the folder can begin the first try.
        if !state.tries.isEmpty || folder == nil {
            try state.check(run.settings.settings)
            let outcome = await endStep(run.run, run.settings.settings)(state, reason, message) {
                () throws(HeadError) in folder
            }
            let result = try outcome.fence.get()
            if let trouble = outcome.trouble { throw trouble }
            switch result.verdict {
            case .ended(let first, let words): ending = RunEnding(first, words)
            case .committed where leavingResults:
                ending.message =
                    "\(message) The run has stored its results; they are in the bucket."
            case .committed: return nil
            }
        }
        state.ending = ending
        try folder?.note(state)
        return ending
    }

    /// What is left of a run on the disk: its folder, unless another head has it, and its notes.
    private func remains(
        of run: OpenedRun
    ) throws(HeadError) -> (RunFolder?, RunState?) {
        guard let (description, _) = try? DescriptionFile.read(run.job.bytes),
            let notes = try? RunNotes(description)
        else { return (nil, nil) }
        do throws(HeadError) {
            let folder = try RunFolder(jobDirectory: description.jobDirectory)
            return (folder, try folder.state())
        } catch {
            guard error.code == .busy else { throw error }
            return (nil, notes.state)
        }
    }

    /// The run as it is known without notes.
    private static func state(
        of run: OpenedRun,
        tries: Int
    ) -> RunState {
        var state = RunState(
            run: run.run,
            descriptionSHA256: run.descriptionSHA256,
            place: RunPlace(run.settings.settings)
        )
        state.tries = (0..<tries).map { RunState.Try(number: $0 + 1) }
        return state
    }

    /// Ending needs an executor, and no word on what it executes.
    private func endStep(
        _ run: RunID,
        _ settings: Settings
    ) -> EndStep {
        let desk = ResultDesk(store: session.store, settings: settings, run: run)
        return EndStep(desk: desk) { () throws(HeadError) in
            try session.executor(for: JobSubject(toolID: "", image: nil), settings)
        }
    }

    func collect(_ run: OpenedRun) async throws(HeadError) -> RunEnding {
        try await turns.pass(.urgent) { () async throws(HeadError) in
            let (description, folder, _) = try take(run)
            let recollection = Recollection(
                store: session.store.part { _ in },
                settings: run.settings.settings,
                observe: { _ in }
            )
            return try await recollection(try RunNotes(description), folder)
        }
    }
}

extension RunID {
    /// Whose run this is.
    fileprivate var job: GalaxyJobID? {
        let bytes = Array(description.utf8)
        let cut = bytes.lastIndex(of: UInt8(ascii: "-")) ?? bytes.endIndex
        return GalaxyJobID(String(decoding: bytes[..<cut], as: UTF8.self))
    }
}
