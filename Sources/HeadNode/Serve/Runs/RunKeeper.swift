// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import Staging

/// Sees one job through, whatever comes in between. Trouble of its run's is never anybody else's.
struct RunKeeper: Sendable {
    let board: RunBoard
    let work: any RunWork
    /// How many descriptions are read at once.
    let door: Turnstile
    /// Waits; throws when the task is cancelled.
    var sleep: @Sendable (Double) async throws -> Void = { seconds in
        try await Task.sleep(for: .seconds(seconds))
    }

    /// Opens the job's run and takes it to its end, or to where this process ends.
    func serve(_ job: RunBoard.NewJob) async {
        guard let run = await open(job) else { return }
        var plan = RetryPlan()
        // A run that is given up may have committed at the last moment: then there is one more chance.
        var isLastChance = false
        while !Task.isCancelled {
            if board.isCancelled(run.job) {
                var ending = RetryPlan()
                _ = await end(run, .cancelled, "The run was cancelled.", true, &ending)
                return
            }
            let start = Clock.monotonicSeconds()
            do throws(HeadError) {
                let ending = try await job.stop.guarding { () async throws(HeadError) in
                    try await work.carry(run) { board.apply($0, to: run) }
                }
                return board.finish(run, ending)
            } catch {
                if Task.isCancelled || board.isCancelled(run.job) { continue }
                let lasted = Clock.monotonicSeconds() - start
                let isUnderWay = work.isUnderWay(run)
                switch plan.next(after: error, isUnderWay: isUnderWay, lasted: lasted) {
                case .again(let seconds):
                    await pause(run, job.stop, error, seconds, isNews: plan.isNews)
                case .fail:
                    var ending = RetryPlan()
                    if await end(run, .failed, error.line, isLastChance, &ending) { return }
                    isLastChance = true
                    plan = RetryPlan()
                }
            }
        }
    }

    @inline(never)  // `serve` waits for hours, and would have to keep room for all of these.
    private func open(_ job: RunBoard.NewJob) async -> OpenedRun? {
        let outcome: Result<OpenedRun, Refusal>
        do throws(HeadError) {
            outcome = try await door.pass { () async throws(HeadError) in
                do throws(Refusal) {
                    return .success(try await work.open(job.submission))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            // This process ends; nothing was promised.
            return nil
        }
        switch outcome {
        case .success(let run):
            let goesOn = board.opened(run)
            for remark in run.settings.remarks { board.apply(.note(remark), to: run) }
            return goesOn ? run : nil
        case .failure(let refusal):
            board.refused(job.submission.job, refusal)
            return nil
        }
    }

    @inline(never)
    private func pause(
        _ run: OpenedRun,
        _ stop: StopSwitch,
        _ error: HeadError,
        _ seconds: Double,
        isNews: Bool
    ) async {
        board.troubled(run, "The run waits, and goes on later. \(error.line)", isNews: isNews)
        // Not all at the same moment, when what they wait for is back.
        let pause = seconds * Double.random(in: 0.5...1)
        _ = try? await stop.guarding { () async throws(HeadError) in
            guard (try? await sleep(pause)) != nil else {
                throw HeadError(.interrupted, what: "Waiting was interrupted")
            }
        }
    }

    /// Ends the run for good, however long that takes.
    ///
    /// - Returns: whether it has ended; false when it has results after all, or this process ends.
    @inline(never)
    private func end(
        _ run: OpenedRun,
        _ reason: RunResult.EndReason,
        _ message: String,
        _ leavingResults: Bool,
        _ plan: inout RetryPlan
    ) async -> Bool {
        while !Task.isCancelled {
            let start = Clock.monotonicSeconds()
            do throws(HeadError) {
                guard
                    let ending = try await work.end(
                        run,
                        reason,
                        message,
                        tries: board.tries(of: run),
                        leavingResults: leavingResults
                    )
                else { return false }
                board.finish(run, ending)
                return true
            } catch {
                if Task.isCancelled { return false }
                let lasted = Clock.monotonicSeconds() - start
                guard
                    case .again(let seconds) = plan.next(
                        after: error,
                        isUnderWay: true,
                        lasted: lasted
                    )
                else {
                    let words = "\(message) What is left of it could not be ended: \(error.line)"
                    board.finish(run, RunEnding(reason, words))
                    return true
                }
                let words = "The run is not ended yet. \(error.line)"
                board.troubled(run, words, isNews: plan.isNews)
                try? await sleep(seconds)
            }
        }
        return false
    }
}
