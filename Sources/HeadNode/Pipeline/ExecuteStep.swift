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
            let number = state.openTry ?? (state.tries.last?.number ?? 0) + 1
            let id = TryID(run: state.run, number: number)
            if state.openTry == nil {
                // The next try may need the room that those before it have taken.
                for done in state.tries { await remove(TryID(run: state.run, number: done.number)) }
                try await pause(after: state)
                state.tries.append(RunState.Try(number: number))
                try folder.note(state)
            }
            try await submit(id, spec, specSHA256, &state)
            let end = try await follow(id)
            if let result = try await desk.result() { return result }
            await rescue(id)
            if let result = try await act(on: TryVerdict(end), of: id, spec, &state) {
                return result
            }
        }
    }

    /// Hands the try to the executor, once: that it has been is noted before anything else.
    private func submit(
        _ id: TryID,
        _ spec: RunSpec,
        _ specSHA256: SHA256Digest,
        _ state: inout RunState
    ) async throws(HeadError) {
        let last = state.tries.count - 1
        if state.tries[last].isSubmitted != true {
            let order = TryOrder(
                id: id,
                spec: spec,
                specKey: desk.layout.spec(state.run),
                specSHA256: specSHA256,
                storage: settings.storage
            )
            try await inShortTask { [self] () async throws(HeadError) in
                try await executor.submit(order) { tell(id, $0) }
            }
            state.tries[last].isSubmitted = true
            try folder.note(state)
        }
        observe(.submitted(id))
    }

    /// What disturbed a try may still be about: the next one waits, longer each time.
    private func pause(after state: RunState) async throws(HeadError) {
        guard state.tries.last?.isDisruption == true else { return }
        let count = state.tries.count { $0.isDisruption }
        let delay = DisruptionDelay.seconds(after: count, first: settings.disruptionDelay)
        guard delay > 0 else { return }
        observe(.note("The next try begins in \(delay) s."))
        guard (try? await Task.sleep(for: .seconds(delay))) != nil else {
            throw HeadError(.interrupted, what: "Run \(state.run) rests between two tries")
        }
    }

    /// Removes what is left of a try; that it cannot be is worth a word, and changes no result.
    private func remove(_ id: TryID) async {
        do throws(HeadError) {
            try await executor.remove(id, isSuccess: false)
        } catch {
            observe(.note(error.line))
        }
    }

    /// Keeps what is left of a try; that it cannot be is worth a word, and changes no result.
    private func rescue(_ id: TryID) async {
        do throws(HeadError) {
            try await executor.rescue(id, into: folder)
        } catch {
            observe(.note(error.line))
        }
    }

    private func follow(_ id: TryID) async throws(HeadError) -> TryEnd {
        let live = LiveOutput(description)
        return try await executor.follow(id) { news in
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
        case .frame(.resultStored): break
        case .waiting(let why): observe(.waiting(id, why))
        case .running(let node): observe(.running(id, node))
        }
    }

    /// - Returns: a result that ends the run; nil for another try.
    private func act(
        on verdict: TryVerdict,
        of id: TryID,
        _ spec: RunSpec,
        _ state: inout RunState
    ) async throws(HeadError) -> RunResult? {
        let words = executor.lastWords(id)
        func close(_ text: String, isDisruption: Bool = false) throws(HeadError) {
            observe(.tryEnded(id, text, verdict.kind))
            state.tries[state.tries.count - 1].verdict = text
            state.tries[state.tries.count - 1].isDisruption = isDisruption
            try folder.note(state)
        }
        switch verdict {
        case .resultExpected:
            if let result = try await patientResult() { return result }
            try close("result lost")
            let key = desk.layout.result(state.run)
            return try await fail("The worker stored a result, but there is none at \(key)", "")
        case .permanent(let why):
            try close(why)
            return try await fail("Run \(state.run) cannot be done: \(why)", words)
        case .limit(let reason, let how):
            try close(how)
            return try await desk.end(reason, how)
        case .retry(let why):
            try close(why)
            let used = state.tries.count { !$0.isDisruption }
            if used <= settings.retries { return nil }
            return try await fail("Run \(state.run) failed in \(used) tries: \(why)", words)
        case .disruption(let why):
            try close(why, isDisruption: true)
            let used = state.tries.count { $0.isDisruption }
            if used <= settings.disruptions { return nil }
            return try await fail("Run \(state.run) was disrupted \(used) times: \(why)", words)
        case .restage(let why):
            try close(why)
            let found = try await restage(spec)
            if let first = found.replaced.first {
                let others = found.replaced.count - 1
                let more = others > 0 ? ", and \(others) more" : ""
                return try await fail("Run \(state.run) cannot be done: \(first)\(more)", words)
            }
            guard found.damaged.isEmpty else {
                return try await fail(damage(why, found.damaged, of: state.run), words)
            }
            let isFirst = state.tries.count { $0.verdict == why } == 1
            if isFirst, found.isRestored { return nil }
            return try await fail("Run \(state.run) cannot be done: \(why)", words)
        }
    }

    /// What a person must know of objects that others have changed.
    private func damage(
        _ why: String,
        _ damaged: [RestageRun.Damage],
        of run: RunID
    ) -> String {
        let bucket = settings.storage.bucket
        let named = damaged.prefix(5)
            .map { "\($0.name) (s3://\(bucket)/\($0.key.logSafe))" }
            .joined(separator: ", ")
        let more = damaged.count > 5 ? " and \(damaged.count - 5) more" : ""
        return "Run \(run) cannot be done: \(why). The bucket holds other bytes than were staged: "
            + "\(named)\(more). Find out who wrote them, and remove each by `galaxy-head-node s3 rm "
            + "<URL>`; a new run stages these files afresh"
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
            let survey = try JobSurvey(description, mount: settings.outputs.mount)
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
                    what: "Run \(desk.run) goes on without being watched"
                )
            }
        }
        return nil
    }

    /// Ends the run, so that no worker that comes back later can commit.
    private func fail(
        _ what: String,
        _ words: String
    ) async throws(HeadError) -> RunResult {
        try await desk.end(.failed, words.isEmpty ? what : "\(what). The worker said: \(words)")
    }
}
