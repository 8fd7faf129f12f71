// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import FoundationEssentials
import Names
import S3Client
import Staging
import Synchronization

@testable import HeadNode

/// Runs that do what a test tells them to.
final class ScriptedWork: RunWork {
    /// One thing that happens.
    enum Happening: Sendable {
        case event(RunEvent)
        case ended(RunEnding)
        case fails(HeadError)
    }

    private struct State {
        var happenings: [FilePath: AsyncStream<Happening>] = [:]
        var feeds: [FilePath: AsyncStream<Happening>.Continuation] = [:]
        var noted: [FilePath: RunEnding] = [:]
        var refusals: [FilePath: Refusal] = [:]
        var underWay: Set<FilePath> = []
        var opened: [FilePath] = []
        var carried: [FilePath] = []
        var interrupted: [FilePath] = []
        var ends: [FilePath: [Result<RunEnding?, HeadError>]] = [:]
        var ended: [(job: FilePath, tries: Int)] = []
        var settled: [FinishedJob] = []
        var settledOpened: [RunID?] = []
        var forgotten: [(job: FilePath, run: RunID?)] = []
    }

    private let state = Mutex(State())

    // MARK: What a test says

    /// Lets something happen to the run that is carried, or the next one that is.
    func happen(
        _ happening: Happening,
        to job: FilePath
    ) {
        if case .event(.submitted) = happening { state.withLock { _ = $0.underWay.insert(job) } }
        _ = feed(job).yield(happening)
    }

    /// The job's run has ended before.
    func note(_ ending: RunEnding, of job: FilePath) { state.withLock { $0.noted[job] = ending } }

    func refuse(_ refusal: Refusal, _ job: FilePath) {
        state.withLock { $0.refusals[job] = refusal }
    }

    func allow(_ job: FilePath) { state.withLock { $0.refusals[job] = nil } }

    /// What comes of the next attempts to end the run; nil inside: it has results after all.
    func end(_ job: FilePath, _ results: [Result<RunEnding?, HeadError>]) {
        state.withLock { $0.ends[job] = results }
    }

    var opened: [FilePath] { state.withLock { $0.opened } }
    /// The jobs whose runs were carried, in order, one entry an attempt.
    var carried: [FilePath] { state.withLock { $0.carried } }
    /// The jobs whose carrying was cancelled.
    var interrupted: [FilePath] { state.withLock { $0.interrupted } }
    var ended: [(job: FilePath, tries: Int)] { state.withLock { $0.ended } }
    /// What Galaxy has finished, each with the run that was known for it.
    var settled: [(finished: FinishedJob, run: RunID?)] {
        state.withLock { state in Array(zip(state.settled, state.settledOpened)) }
    }

    /// What Galaxy has let go of.
    var forgotten: [(job: FilePath, run: RunID?)] { state.withLock { $0.forgotten } }

    // MARK: RunWork

    func forget(_ job: FilePath, _ run: RunID?) async {
        state.withLock { $0.forgotten.append((job, run)) }
    }

    func open(_ submission: Submission) async throws(Refusal) -> OpenedRun {
        let job = submission.job
        let refusal = state.withLock { state in
            state.opened.append(job)
            return state.refusals[job]
        }
        if let refusal { throw refusal }
        return try run(job, submission.run, submission.destination?.name)
    }

    func find(_ job: FilePath) async throws(Refusal) -> OpenedRun {
        guard state.withLock({ $0.noted[job] }) != nil else {
            let name = String(decoding: job.lastComponent, as: UTF8.self)
            throw Refusal(code: "no-run", message: "Job \(name) has no run")
        }
        return try run(job, nil, nil)
    }

    func carry(
        _ run: OpenedRun,
        _ observe: @escaping RunObserver
    ) async throws(HeadError) -> RunEnding {
        _ = feed(run.job)
        let happenings = state.withLock { state in
            state.carried.append(run.job)
            return state.happenings[run.job]
        }
        guard let happenings else { throw HeadError(.machine, what: "there is no script") }
        for await happening in happenings {
            switch happening {
            case .event(let event): observe(event)
            case .ended(let ending): return ending
            case .fails(let error): throw error
            }
        }
        // A stream whose reader was cancelled is over for the next one too.
        state.withLock { state in
            state.feeds[run.job] = nil
            state.interrupted.append(run.job)
        }
        throw HeadError(.interrupted, what: "Run \(run.run) goes on without being watched")
    }

    func isUnderWay(_ run: OpenedRun) -> Bool {
        state.withLock { $0.underWay.contains(run.job) }
    }

    func end(
        _ run: OpenedRun,
        _ reason: RunResult.EndReason,
        _ message: String,
        tries: Int,
        leavingResults: Bool
    ) async throws(HeadError) -> RunEnding? {
        let result: Result<RunEnding?, HeadError>? = state.withLock { state in
            state.ended.append((run.job, tries))
            if let noted = state.noted[run.job] { return .success(noted) }
            guard state.ends[run.job]?.isEmpty == false else { return nil }
            return state.ends[run.job]?.removeFirst()
        }
        guard let result else { return RunEnding(reason, message) }
        let ending = try result.get()
        return ending == nil && leavingResults ? RunEnding(reason, message + " Left.") : ending
    }

    func settle(
        _ finished: FinishedJob,
        _ run: OpenedRun?,
        _ note: @escaping @Sendable (String) -> Void
    ) async throws(HeadError) {
        let isHard = state.withLock { state in
            state.settled.append(finished)
            state.settledOpened.append(run?.run)
            return finished.outputs.isEmpty
        }
        if isHard { throw HeadError(.noRun, what: "Run \(finished.run) has no result") }
        note("\(finished.outputs.count) outputs")
    }

    func collect(_ run: OpenedRun) async throws(HeadError) -> RunEnding {
        guard let ending = state.withLock({ $0.noted[run.job] }) else {
            throw HeadError(.noRun, what: "Run \(run.run) has no result yet")
        }
        return ending
    }

    // MARK: Parts

    /// Without a run of the plugin's, one that follows from the job's name.
    private func run(
        _ job: FilePath,
        _ wanted: RunID?,
        _ destination: String?
    ) throws(Refusal) -> OpenedRun {
        let name = String(decoding: job.lastComponent, as: UTF8.self)
        let ending = state.withLock { state in
            // A run of another name is a new one.
            let drawn = "\(name)-00000000000000aa"
            return wanted.map { $0.description == drawn } ?? true ? state.noted[job] : nil
        }
        do {
            return OpenedRun(
                job: job,
                run: try wanted ?? RunID("\(name)-00000000000000aa"),
                descriptionSHA256: SHA256Digest(of: []),
                settings: RunSettings(try Self.settings.get()),
                destination: destination,
                demand: RunDemand(cpu: 500, memory: 4 << 30, bytes: 1000),
                isResumed: ending != nil,
                ending: ending
            )
        } catch {
            throw Refusal(code: "description", message: "\(error)")
        }
    }

    private func feed(_ job: FilePath) -> AsyncStream<Happening>.Continuation {
        state.withLock { state in
            if let known = state.feeds[job] { return known }
            let (stream, feed) = AsyncStream.makeStream(of: Happening.self)
            state.happenings[job] = stream
            state.feeds[job] = feed
            return feed
        }
    }

    static let settings = Result<Settings, ConfigError> { () throws(ConfigError) in
        var resolver = SettingsResolver(
            file: nil,
            environment: ["HOME": "/home/galaxy"],
            flags: ["s3.bucket=data"]
        )
        return try resolver.settings()
    }
}

extension ScriptedWork.Happening {
    /// Reads what a transcript says of a run; nil for words that are not about one being carried.
    init?(_ text: String, _ run: RunID) throws {
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        func word(_ index: Int) throws -> String {
            guard index < words.count else { throw Transcript.Malformed(line: 0) }
            return words[index]
        }
        func id() throws -> TryID {
            guard let number = Int(try word(1)) else { throw Transcript.Malformed(line: 0) }
            return TryID(run: run, number: number)
        }
        func rest() -> Data { Data(text.utf8.dropFirst(words[0].utf8.count + 1)) }
        switch try word(0) {
        case "phase": self = .event(.phaseBegan(try word(1)))
        case "staged":
            let report = try JSONDecoder().decode(PhaseReport.self, from: rest())
            self = .event(.phaseEnded(report, alreadyThere: 0))
        case "submitted": self = .event(.submitted(try id()))
        case "waiting": self = .event(.waiting(try id(), try word(2)))
        case "running": self = .event(.running(try id(), try word(2)))
        case "lost": self = .event(.tryEnded(try id(), try word(2), .disruption))
        case "ended": self = .ended(try JSONDecoder().decode(RunEnding.self, from: rest()))
        case "away":
            let cause = S3Error(.unreachable, what: "Cannot put s3://b/k: connection refused")
            self = .fails(HeadError(cause, doing: "Cannot stage job 1"))
        case "denied":
            let cause = S3Error(.accessDenied, what: "Cannot get s3://b/k: access denied")
            self = .fails(HeadError(cause, doing: "Cannot collect run 1"))
        default: return nil
        }
    }
}
