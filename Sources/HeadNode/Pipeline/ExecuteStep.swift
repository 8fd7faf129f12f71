// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// Makes tries until the run has a result.
struct ExecuteStep: Sendable {
    let settings: Settings
    let store: S3Store
    let desk: ResultDesk
    let executor: any Executor
    let folder: RunFolder
    let description: JobDescription
    let observe: RunObserver

    /// How long a result that a worker says it has stored may take to be seen, in seconds.
    private static let resultPatience = 10

    func callAsFunction(
        _ spec: RunSpec,
        _ specSHA256: SHA256Digest,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult {
        while true {
            let known = try await inShortTask { [desk] () async throws(HeadError) in
                try await desk.result()
            }
            if let result = known { return result }
            if let result = try await settle(spec, &state) { return result }
            let id: TryID
            var isNew = true
            if let open = state.openTry {
                id = open
                isNew = try reopen(&state)
            } else {
                // The next try may need the room that those before it have taken.
                for done in state.tryIDs { await remove(done) }
                // Whoever cancels a run need not find it with a try under way.
                if try await pause(after: state), let result = try await desk.result() {
                    return result
                }
                id = try begin(&state)
            }
            let isStarted = try await submit(id, spec, specSHA256, &state, isNew: isNew)
            guard isStarted else { continue }
            let end = try await follow(id)
            if let result = try await desk.result() { return result }
            if let result = try await act(on: end, of: id, &state) { return result }
        }
    }

    /// Notes the next try, and what it is called, before the executor hears of it.
    private func begin(_ state: inout RunState) throws(HeadError) -> TryID {
        var next = RunState.Try(number: (state.tries.last?.number ?? 0) + 1)
        next.name = executor.name(of: state.id(next))
        state.tries.append(next)
        try folder.note(state)
        return state.id(next)
    }

    /// Notes that a try which was refused is handed over once more.
    ///
    /// - Returns: whether it had been refused.
    private func reopen(_ state: inout RunState) throws(HeadError) -> Bool {
        let last = state.tries.count - 1
        guard state.tries[last].isSubmitted == false else { return false }
        state.tries[last].isSubmitted = nil
        try folder.note(state)
        return true
    }

    /// Hands the try to the executor, once: that it has been is noted before anything else.
    ///
    /// - Parameter isNew: whether nobody can have handed it over before.
    /// - Returns: whether the executor has it; false if the run had its result first.
    private func submit(
        _ id: TryID,
        _ spec: RunSpec,
        _ specSHA256: SHA256Digest,
        _ state: inout RunState,
        isNew: Bool
    ) async throws(HeadError) -> Bool {
        let last = state.tries.count - 1
        if state.tries[last].isSubmitted != true {
            let order = TryOrder(
                id: id,
                spec: spec,
                specKey: desk.layout.spec(state.run),
                specSHA256: specSHA256,
                storage: settings.storage
            )
            do throws(HeadError) {
                let isStarted = try await inShortTask { [self] () async throws(HeadError) in
                    try await executor.submit(order, isDecided: isDecided) { tell(id, $0) }
                }
                guard isStarted else { return false }
            } catch {
                // What was refused has not begun, so nobody need wait for it as for hours of compute.
                if isNew, error.isRefusal {
                    state.tries[last].isSubmitted = false
                    try folder.note(state)
                }
                throw error
            }
            state.tries[last].isSubmitted = true
            try folder.note(state)
        }
        observe(.submitted(id))
        return true
    }

    /// What disturbed a try may still be about: the next one waits, longer each time.
    ///
    /// - Returns: whether it did.
    private func pause(after state: RunState) async throws(HeadError) -> Bool {
        guard state.tries.last?.isDisruption == true else { return false }
        let count = state.tries.count { $0.isDisruption }
        let delay = DisruptionDelay.seconds(after: count, first: settings.disruptionDelay)
        guard delay > 0 else { return false }
        observe(.note("The next try begins in \(delay) s."))
        guard (try? await Task.sleep(for: .seconds(delay))) != nil else {
            throw HeadError(.interrupted, what: "Run \(state.run) rests between two tries")
        }
        return true
    }

    /// Removes what is left of a try; that it cannot be is worth a word, and changes no result.
    private func remove(_ id: TryID) async {
        do throws(HeadError) {
            try await executor.remove(id, isSuccess: false)
        } catch {
            observe(.trouble(error.line))
        }
    }

    /// Keeps what is left of a try; that it cannot be is worth a word, and changes no result.
    private func rescue(_ id: TryID) async {
        do throws(HeadError) {
            try await executor.rescue(id, into: folder)
        } catch {
            observe(.trouble(error.line))
        }
    }

    /// Whether somebody has stored the run's result; no while the bucket cannot say.
    private var isDecided: ResultQuestion {
        { [desk] in
            let known = try? await inShortTask { () async throws(HeadError) in
                try await desk.result()
            }
            return known != nil
        }
    }

    private func follow(_ id: TryID) async throws(HeadError) -> TryEnd {
        let live = LiveOutput(description)
        return try await executor.follow(id, isDecided: isDecided) { news in
            if case .frame(.output(let stream, let offset, let bytes)) = news {
                live.write(stream, offset: offset, bytes: bytes)
            }
            tell(id, news)
        }
    }

    private func tell(
        _ id: TryID,
        _ news: TryNews
    ) {
        switch news {
        case .frame(.output(let stream, _, let bytes)): observe(.output(stream, bytes))
        case .frame(.progress(let phase, let bytes, let totalBytes, let files, let totalFiles)):
            var reading = PhaseMeter.Reading()
            reading.bytes = bytes
            reading.totalBytes = totalBytes
            reading.files = files
            reading.totalFiles = totalFiles
            observe(.progress(phase: phase, reading))
        case .frame(.note(let text)), .note(let text): observe(.note(text))
        case .trouble(let text): observe(.trouble(text))
        case .frame(.resultStored): break
        case .waiting(let why): observe(.waiting(id, why))
        case .running(let node): observe(.running(id, node))
        }
    }

    /// Notes what the try came to, and what has to follow.
    ///
    /// - Returns: a result that was late; nil when what is due is noted.
    private func act(
        on end: TryEnd,
        of id: TryID,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult? {
        let verdict = TryVerdict(end)
        if verdict == .resultExpected, let result = try await patientResult() { return result }
        let words = executor.lastWords(id)
        let sequel = TrySequel(verdict, end, after: state, settings)
        let last = state.tries.count - 1
        observe(.tryEnded(id, sequel.verdict, verdict.kind))
        state.tries[last].verdict = sequel.verdict
        state.tries[last].isDisruption = sequel.isDisruption
        state.tries[last].due = sequel.due(desk, words)
        try folder.note(state)
        // Told and noted first: it may take a while.
        await rescue(id)
        return nil
    }

    /// Does what the last try's verdict asks for, if that is not done yet.
    ///
    /// - Returns: a result that ends the run; nil for another try.
    private func settle(
        _ spec: RunSpec,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult? {
        guard let last = state.tries.indices.last else { return nil }
        if state.tries[last].due == .restage {
            let failure = try await failure(restaging: spec, state)
            state.tries[last].due = failure.map { .end(.failed, $0.line) }
            try folder.note(state)
        }
        guard case .end(let reason, let words) = state.tries[last].due else { return nil }
        // From now on no worker that comes back later can commit.
        return try await desk.end(reason, words)
    }

    /// Stages again what the last try has missed.
    ///
    /// - Returns: why no try will do better; nil if another one may.
    private func failure(
        restaging spec: RunSpec,
        _ state: RunState
    ) async throws(HeadError) -> RunFailure? {
        guard let last = state.tries.last, let why = last.verdict else { return nil }
        let words = executor.lastWords(state.id(last))
        let found: RestageRun.Findings
        do throws(HeadError) {
            found = try await restage(spec)
        } catch {
            // The input itself is another one by now. One that is not there may come back, with its disk.
            guard (error.cause as? StagingError)?.code == .changed else { throw error }
            return .unstageable(state.run, error, words)
        }
        if !found.replaced.isEmpty { return .replaced(state.run, found.replaced, words) }
        guard found.damaged.isEmpty else {
            let objects = found.damaged.map { (name: $0.name, key: $0.key) }
            return .damaged(state.run, why, objects, bucket: desk.bucket, words)
        }
        if found.isRestored {
            observe(.note("What the bucket had lost of run \(state.run) is staged again."))
        }
        // Once, also where nothing is missing any more: a head that was cut off may have staged it.
        let isFirst = state.tries.count { $0.verdict == why } == 1
        return isFirst ? nil : .hopeless(state.run, why, .exited(WorkerExit.input.rawValue), words)
    }

    /// Stages again what is no longer in the bucket; what is there but different stays as it is.
    private func restage(_ spec: RunSpec) async throws(HeadError) -> RestageRun.Findings {
        let run = RestageRun(
            store: store,
            layout: desk.layout,
            transfers: settings.staging.limits.transfers
        )
        return try await staging("Cannot stage again what run \(spec.run) lost") {
            () async throws(StagingError) in
            let survey = try JobSurvey(
                description,
                mount: settings.outputs.mount,
                privateFiles: settings.privateFiles
            )
            let plan = try StagePlan(survey, packBelow: spec.push.packBelow)
            return try await run(spec, plan)
        }
    }

    private func patientResult() async throws(HeadError) -> RunResult? {
        for _ in 0..<Self.resultPatience {
            if let result = try await desk.result() { return result }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else {
                // Whoever stops watching has not learned that the result is lost.
                throw HeadError(
                    .interrupted,
                    what: "Run \(desk.run) goes on without being watched",
                    remedy: "Follow it with galaxy-head-node run."
                )
            }
        }
        return nil
    }
}
