// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

extension PipelineWork {
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
            let flight = try await inTurn { () async throws(HeadError) in
                Flight(
                    try await inShortTask { () async throws(HeadError) in
                        try await depart(run, observe)
                    }
                )
            }
            switch flight.prepared {
            case .over(let ending):
                guard run.comesBackOnceMore else { return ending }
                return try await inTurn(.urgent) { () async throws(HeadError) in
                    try await flight.pipeline.collectAgain()
                    return ending
                }
            case .ready(let spec):
                let result = try await flight.execute(spec)
                return try await inTurn(.urgent) { () async throws(HeadError) in
                    try await flight.finish(result, spec)
                }
            }
        }
    }

    /// Does `body` when it is its turn. Thousands in line need not all find out that the store is
    /// away: the turn is kept for a while then.
    private func inTurn<Value>(
        _ urgency: Turnstile.Urgency = .ordinary,
        _ body: () async throws(HeadError) -> Value
    ) async throws(HeadError) -> Value {
        try await turns.pass(urgency) { () async throws(HeadError) in
            do throws(HeadError) {
                return try await body()
            } catch {
                if error.code == .store, error.isRetryable {
                    try? await Task.sleep(for: Self.pauseWithoutStore)
                }
                throw error
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
        let store = session.store.part { [watch] event in
            let word = watch.word(on: event, now: Clock.monotonicSeconds())
            if let word { observe(.note(word)) }
        }
        let pipeline = JobPipeline(
            description: description,
            descriptionSHA256: run.descriptionSHA256,
            settings: settings,
            place: session.place(settings),
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
    func take(
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
        return notes.state.run == run.run && notes.state.hasBegun
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
}
