// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import S3Client
import Staging

/// The order of work in a pod. What goes wrong is one line on standard error and an exit status.
struct Worker: Sendable {
    let reference: SpecReference
    let pod: String
    let store: S3Store
    let state: StateFolder
    /// The whole volume, if this container has that and not the roots at their own paths.
    let volume: VolumeFolder?
    let frames = FrameWriter()

    private static let told = WorkerFailure(.stopped, "The container was told to stop.")

    /// How many seconds lie between two words on a bucket that is away.
    private static let wordEvery = 60.0

    init(_ options: AttemptOptions) throws(WorkerFailure) {
        reference = try options.specReference()
        pod = options.pod
        volume = try options.volumeFolder()
        state = try options.stateFolder()
        let location = try options.location()
        let watch = StoreWatch(pause: Self.wordEvery)
        do throws(S3Error) {
            store = try StoreFactory(location)
                .store { [frames] event in
                    // Whoever watches the run must see why nothing moves.
                    guard let word = watch.word(on: event, now: Clock.monotonicSeconds()) else {
                        return
                    }
                    frames.write(.note("The worker: " + word))
                }
        } catch {
            throw WorkerFailure(error.isRetryable ? .unreachable : .usage, error)
        }
    }

    /// Fetch, tool and push in one process: the `single` shape, and the local executor.
    func run() async throws(WorkerFailure) {
        let signals = try SignalInbox()
        guard let (attempt, fetched) = try await fetch(signals, nil) else { return }
        let phase = ToolPhase(spec: attempt.spec, frames: frames)
        let outcome: ToolPhase.Outcome
        do throws(WorkerFailure) {
            outcome = try await phase(signals)
        } catch {
            await Commit(attempt: attempt).failed(error, tool: nil)
            throw error
        }
        try await push(attempt, fetched, outcome)
    }

    /// The init container of the `split` shape: the one place where a node's cache is used, because
    /// no tool ever runs there.
    func fetchOnly(_ place: NodeCachePlace?) async throws(WorkerFailure) {
        let notes = PhaseNotes()
        let cache = place.flatMap { $0.open(notes) }
        guard let (attempt, handOver) = try await fetch(try SignalInbox(), cache) else { return }
        var fetched = handOver
        fetched.phase.notes = notes.all
        try attempt.handOver(fetched)
    }

    /// The container beside the tool's in the `split` shape: waits for the tool's end, however it
    /// comes, and stores what there is.
    func pushOnly() async throws(WorkerFailure) {
        let signals = try SignalInbox()
        let attempt = try Attempt.resume(reference, store: store, state: state, volume: volume)
        let fetched = try state.require(FetchPhase.HandOver.self, from: .fetched)
        let outcome = try await ToolWatch(state: state).outcome(signals)
        // Whoever watches the pod need not doubt any more that this one saw the tool's end.
        frames.write(PhaseMeter("push").frame)
        try await push(attempt, fetched, outcome)
    }

    /// - Returns: nil when the run has a result already: there is nothing to do.
    private func fetch(
        _ signals: SignalInbox,
        _ cache: CachedFetch?
    ) async throws(WorkerFailure) -> (Attempt, FetchPhase.HandOver)? {
        let work: @Sendable () async throws(WorkerFailure) -> (Attempt, FetchPhase.HandOver)? = {
            [self] () async throws(WorkerFailure) -> (Attempt, FetchPhase.HandOver)? in
            // The two do not need each other, and each is a journey.
            async let decided = isDecided()
            let attempt = try await Attempt.begin(
                reference,
                pod: pod,
                store: store,
                state: state,
                volume: volume
            )
            do throws(StagingError) {
                try volume?.prepare(roots: attempt.spec.roots.count)
            } catch {
                throw WorkerFailure(error, toolRan: false)
            }
            if try await decided.get() {
                FrameWriter.complain("Run \(attempt.run) has a result already; nothing is run.")
                frames.write(.resultStored)
                return nil
            }
            do throws(WorkerFailure) {
                let phase = FetchPhase(attempt: attempt, frames: frames, cache: cache)
                return (attempt, try await phase())
            } catch {
                let failure = Task.isCancelled ? Self.told : error
                // Unstructured on purpose: where this was cancelled, no request would get through. It
                // bounds its own time.
                await Task { await Commit(attempt: attempt).failed(failure, tool: nil) }.value
                throw failure
            }
        }
        return try await interruptible(by: signals, work)
    }

    /// Whether the run has a result already: then its tool need not run again, perhaps for hours, for
    /// nothing.
    private func isDecided() async -> Result<Bool, WorkerFailure> {
        do throws(StagingError) {
            let key = try naming { () throws(NameError) in
                try JobLayout.result(besides: reference.key)
            }
            let documents = DocumentStore(store)
            return .success(
                try await documents.read(RunResult.self, at: key, name: "result") != nil
            )
        } catch {
            return .failure(WorkerFailure(error, toolRan: false))
        }
    }

    private func push(
        _ attempt: Attempt,
        _ fetched: FetchPhase.HandOver,
        _ outcome: ToolPhase.Outcome
    ) async throws(WorkerFailure) {
        let phase = PushPhase(attempt: attempt, fetched: fetched, frames: frames)
        switch outcome {
        case .ended(let tool):
            do throws(WorkerFailure) {
                try await phase(tool)
                frames.write(.resultStored)
            } catch {
                await Commit(attempt: attempt).failed(error, tool: tool)
                throw error
            }
        case .stopped(let tool), .killed(let tool):
            let failure = WorkerFailure(
                .stopped,
                outcome.disruption + " Nothing of this attempt counts."
            )
            do throws(StagingError) {
                try await phase.logs()
            } catch {
                FrameWriter.complain(error.line)
            }
            await Commit(attempt: attempt).failed(failure, tool: tool)
            throw failure
        }
    }

    /// Runs `work`, and cancels it when a signal asks this process to end.
    private func interruptible<Value: Sendable>(
        by signals: SignalInbox,
        _ work: @escaping @Sendable () async throws(WorkerFailure) -> Value
    ) async throws(WorkerFailure) -> Value {
        let outcome = await withTaskGroup(
            of: Result<Value, WorkerFailure>?.self,
            returning: Result<Value, WorkerFailure>.self
        ) { group in
            group.addTask {
                do throws(WorkerFailure) {
                    return .success(try await work())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                _ = await signals.signal(0)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return first }
            let last = await group.next() ?? nil
            // It may have come to its end just then; that counts.
            if case .success(let value)? = last { return .success(value) }
            return .failure(Self.told)
        }
        return try outcome.get()
    }
}
