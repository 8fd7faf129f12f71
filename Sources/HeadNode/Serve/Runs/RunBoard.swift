// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Synchronization

/// All jobs that were submitted here, and what the plugin has been told of each.
///
/// Messages are posted while the board is held, so that they are in order for each job.
final class RunBoard: Sendable {
    /// One job.
    struct Entry: Sendable {
        var submission: Submission
        /// Requests that wait for the run to be noted.
        var submits: [Int64]
        /// Requests that wait for the run to end.
        var cancels: [Int64] = []
        var isCancelled = false
        let stop = StopSwitch()
        var opened: OpenedRun?
        /// nil until the run is noted.
        var served: ServedRun?

        var hasEnded: Bool { served?.state.isFinal == true }
    }

    /// What a submission asks for that cannot be done at once.
    struct NewJob: Sendable {
        let submission: Submission
        let stop: StopSwitch
    }

    private let entries = Mutex<[FilePath: Entry]>([:])
    private let post: @Sendable (ServeMessage) -> Void
    private let metrics: RunMetrics

    init(
        metrics: RunMetrics,
        post: @escaping @Sendable (ServeMessage) -> Void
    ) {
        self.metrics = metrics
        self.post = post
    }

    // MARK: What the plugin asks

    /// Takes a submission.
    ///
    /// - Returns: the job, if it is to be opened; nil when it is known, and the plugin was told so.
    func submit(
        _ id: Int64,
        _ submission: Submission
    ) -> NewJob? {
        entries.withLock { entries in
            if var known = entries[submission.job], !known.isOver(for: submission) {
                if let refusal = known.refusal(of: submission) {
                    post(.refusal(id, refusal))
                } else if let served = known.served {
                    post(.answer(id, .run(served.facts)))
                    if let word = served.lastWord { post(.event(word)) }
                } else {
                    known.submits.append(id)
                    entries[submission.job] = known
                }
                return nil
            }
            if let last = entries[submission.job] { drop(last) }
            let new = Entry(submission: submission, submits: [id])
            entries[submission.job] = new
            return NewJob(submission: submission, stop: new.stop)
        }
    }

    /// Marks a job as cancelled.
    ///
    /// - Returns: false for a job that was not submitted here.
    func cancel(
        _ id: Int64,
        _ job: FilePath
    ) -> Bool {
        let stop: StopSwitch? = entries.withLock { entries in
            guard var entry = entries[job] else { return nil }
            if let served = entry.served, entry.hasEnded {
                post(.answer(id, .run(served.facts)))
            } else {
                entry.isCancelled = true
                entry.cancels.append(id)
                entries[job] = entry
            }
            return entry.stop
        }
        guard let stop else { return false }
        stop.stop()
        return true
    }

    /// Forgets a job whose run has ended.
    ///
    /// - Returns: whether it is forgotten.
    func forget(
        _ id: Int64,
        _ job: FilePath
    ) -> Bool {
        entries.withLock { entries in
            if let entry = entries[job] {
                guard entry.hasEnded else {
                    post(.refusal(id, .notEnded))
                    return false
                }
                drop(entry)
                entries[job] = nil
            }
            post(.answer(id, .done))
            return true
        }
    }

    /// Says where a job is.
    func status(
        _ id: Int64,
        _ job: FilePath
    ) {
        entries.withLock { entries in
            guard let served = entries[job]?.served else {
                return post(.refusal(id, .unknownJob))
            }
            post(.answer(id, .run(served.facts)))
        }
    }

    /// How many jobs are in each state.
    func summary() -> [String: Int] {
        entries.withLock { entries in
            entries.values.reduce(into: [:]) { counts, entry in
                counts[(entry.served?.state ?? .staging).rawValue, default: 0] += 1
            }
        }
    }

    // MARK: What happens to runs

    /// A job is served from now on.
    ///
    /// - Returns: whether its run goes on.
    func opened(_ run: OpenedRun) -> Bool {
        entries.withLock { entries in
            guard var entry = entries[run.job] else { return false }
            var served = ServedRun(job: run.job, run: run.run)
            metrics.opened(run)
            var events: [ServeEvent] = []
            if let ending = run.ending, !run.comesBackOnceMore {
                events = served.finish(ending)
                metrics.ended(run, was: .staging, ending, isNews: false)
            }
            for id in entry.submits { post(.answer(id, .run(served.facts))) }
            for event in events { post(.event(event)) }
            if served.state.isFinal { answerCancels(&entry, served) }
            entry.submits = []
            // Its settings are the run's by now, and 10,000 of them take room.
            entry.submission.destination = nil
            entry.opened = run
            entry.served = served
            entries[run.job] = entry
            return !served.state.isFinal
        }
    }

    /// A job could not be opened: it is as if it had not been submitted.
    func refused(
        _ job: FilePath,
        _ refusal: Refusal
    ) {
        entries.withLock { entries in
            guard let entry = entries.removeValue(forKey: job) else { return }
            for id in entry.submits + entry.cancels { post(.refusal(id, refusal)) }
        }
    }

    /// Whether a job was submitted here whose run has not ended.
    func isUnderWay(_ job: FilePath) -> Bool {
        entries.withLock { $0[job]?.hasEnded == false }
    }

    func isCancelled(_ job: FilePath) -> Bool {
        entries.withLock { $0[job]?.isCancelled == true }
    }

    /// How many tries of a run have been heard of.
    func tries(of run: OpenedRun) -> Int {
        entries.withLock { $0[run.job]?.served?.tries ?? 0 }
    }

    /// The run of a job that was submitted here.
    func run(of job: FilePath) -> OpenedRun? {
        entries.withLock { $0[job]?.opened }
    }

    /// Tells what has happened to a run.
    func apply(
        _ event: RunEvent,
        to run: OpenedRun
    ) {
        metrics.note(event)
        if case .progress = event { return }
        if case .output = event { return }
        change(run) { served in served.apply(event) }
    }

    /// A run could not be carried on, and waits.
    ///
    /// - Parameter isNews: whether it was not told before that it waits for this.
    func troubled(
        _ run: OpenedRun,
        _ text: String,
        isNews: Bool
    ) {
        metrics.troubled()
        change(run) { served in served.apply(isNews ? .trouble(text) : .note(text)) }
    }

    /// Tells how a run ended.
    func finish(
        _ run: OpenedRun,
        _ ending: RunEnding
    ) {
        change(run, ending) { served in served.finish(ending) }
    }

    private func change(
        _ run: OpenedRun,
        _ ending: RunEnding? = nil,
        _ body: (inout ServedRun) -> [ServeEvent]
    ) {
        entries.withLock { entries in
            guard var entry = entries[run.job], var served = entry.served, served.run == run.run
            else { return }
            let before = served.state
            let events = body(&served)
            if let ending, !before.isFinal {
                metrics.ended(run, was: before, ending, isNews: run.ending == nil)
            } else if before != served.state {
                metrics.moved(run, from: before, to: served.state)
            }
            for event in events { post(.event(event)) }
            if served.state.isFinal { answerCancels(&entry, served) }
            entry.served = served
            entries[run.job] = entry
        }
    }

    private func drop(_ entry: Entry) {
        if let run = entry.opened, let state = entry.served?.state { metrics.forgotten(run, state) }
    }

    private func answerCancels(
        _ entry: inout Entry,
        _ served: ServedRun
    ) {
        for id in entry.cancels { post(.answer(id, .run(served.facts))) }
        entry.cancels = []
    }
}

extension RunBoard.Entry {
    /// Whether the job begins anew with `submission`: its last run has ended, and this is another.
    fileprivate func isOver(for submission: Submission) -> Bool {
        guard let served, hasEnded, let wanted = submission.run else { return false }
        return wanted != served.run
    }

    /// Why the job cannot be submitted so; nil if this is the run that is served.
    fileprivate func refusal(of submission: Submission) -> Refusal? {
        guard let wanted = submission.run, let run = served?.run ?? self.submission.run,
            wanted != run
        else { return nil }
        return Refusal(
            code: "other-run",
            message: "Run \(run) of this job goes on. Cancel it first, then submit run \(wanted)."
        )
    }
}
