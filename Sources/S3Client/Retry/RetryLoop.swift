// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Runs attempts until one succeeds, one fails for good, or the policy ends it.
struct RetryLoop: Sendable {
    let policy: RetryPolicy
    let budget: RetryBudget
    let backoff: Backoff
    let clock: StoreClock
    let corrections: SharedCorrections
    let credentials: CredentialsCache
    let observe: StoreObserver
    let metrics: S3Metrics

    /// - Parameters:
    ///   - explain: makes the error that is thrown in the end.
    ///   - attempt: one attempt; it is given its number, from 1.
    func run<Answer>(
        _ call: S3Call,
        explain: (AttemptFailure, S3Error.Code, Effort) async -> S3Error,
        attempt: (Int) async throws(AttemptFailure) -> Answer
    ) async throws(S3Error) -> Answer {
        let start = clock.elapsed()
        var had: RetryRules.Corrections = []
        var retries = 0
        var mismatches = 0
        var lastCost: Int?
        var number = 0
        var wasAmbiguous = false
        while true {
            number += 1
            let failure: AttemptFailure
            do throws(AttemptFailure) {
                if Task.isCancelled {
                    throw .final(.cancelled(call, isAmbiguous: wasAmbiguous))
                }
                let answer = try await attempt(number)
                budget.refund(lastCost)
                return answer
            } catch { failure = error }
            wasAmbiguous = wasAmbiguous || failure.isAmbiguous
            func effort() -> Effort {
                Effort(
                    attempts: number,
                    elapsed: clock.elapsed() - start,
                    wasAmbiguous: wasAmbiguous
                )
            }
            let now = corrections.corrected(clock.now())
            let verdict = RetryRules.verdict(on: failure, had: had, now: now)
            metrics.countFailure(call.operation, verdict.name)
            switch verdict {
            case .permanent(let code):
                switch failure {
                case .final(let error), .credentials(let error): throw error
                default: break
                }
                if code == .accessDenied, !had.contains(.credentials),
                    let refused = failure.signer, await credentials.hasOthers(than: refused)
                {
                    had.insert(.credentials)
                    observe(.credentialsReloaded)
                    continue
                }
                throw await explain(failure, code, effort())
            case .correctClock(let theirs):
                had.insert(.clock)
                corrections.setClock(ours: clock.now(), theirs: theirs)
                observe(.clockCorrected(ours: clock.now(), theirs: theirs))
            case .changeRegion(let region):
                had.insert(.region)
                let old = corrections.setRegion(region)
                observe(.regionCorrected(from: old, to: region))
            case .reloadCredentials:
                had.insert(.credentials)
                await credentials.forget(failure.signer)
                observe(.credentialsReloaded)
            case .retry(let kind, let floor):
                retries += 1
                // Time passes, in which clocks may jump once more.
                had.remove(.clock)
                if kind == .mismatch { mismatches += 1 }
                lastCost = budget.take(kind)
                let isBroke = lastCost == nil
                let isSpent =
                    policy.attempts.map { number >= $0 } ?? false
                    || (isBroke && policy.whenBudgetIsEmpty == .fail)
                    || mismatches >= RetryPolicy.mismatchAttempts
                if isSpent { throw await explain(failure, failure.giveUpCode, effort()) }
                var generator = SystemRandomNumberGenerator()
                var pause = backoff.pause(kind, retry: retries, floor: floor, using: &generator)
                if isBroke { pause = max(pause, backoff.cap) }
                guard effort().elapsed + pause <= policy.time else {
                    throw await explain(failure, failure.giveUpCode, effort())
                }
                metrics.countRetry()
                observe(
                    .retrying(
                        what: call.headline,
                        attempt: number,
                        pause: pause,
                        why: failure.reason
                    )
                )
                do { try await clock.sleep(pause) } catch {
                    throw .cancelled(call, isAmbiguous: wasAmbiguous)
                }
            }
        }
    }
}

/// What was spent on a request before it was given up.
struct Effort: Sendable, Equatable {
    var attempts: Int
    var elapsed: Duration
    /// Whether the store can have done, in one of the attempts, what was asked.
    var wasAmbiguous = false
}

extension AttemptFailure {
    /// The code of the error when retries have run out.
    var giveUpCode: S3Error.Code {
        switch self {
        case .transport: .unreachable
        case .unreadable: .badAnswer
        case .answer(let answer): answer.isDamage ? .corrupted : .unavailable
        case .credentials(let error): error.code
        case .errorInSuccess, .final: .unavailable
        }
    }

    /// The failure in a few words, for the line about a retry.
    var reason: String {
        switch self {
        case .transport(let error): error.headline
        case .answer(let answer): answer.words
        case .errorInSuccess(let error): "200 with \(error.code.logSafe) inside"
        case .unreadable(let why): "200 with an answer that cannot be read: \(why)"
        case .final(let error), .credentials(let error): error.headline
        }
    }
}

extension S3Error {
    static func cancelled(_ call: S3Call, isAmbiguous: Bool) -> S3Error {
        S3Error(.cancelled, what: "\(call.headline): cancelled", isAmbiguous: isAmbiguous)
    }
}
