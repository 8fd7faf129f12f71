// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Runs attempts until one succeeds, one fails for good, or the bounds end it.
struct CallLoop: Sendable {
    let retry: ClusterRetry
    let clock: ClusterClock
    let observe: ClusterObserver
    let explanation: ClusterExplanation

    /// - Parameters:
    ///   - reloadCredentials: called after a 401, before the next attempt.
    ///   - attempt: one attempt; it is told whether an earlier one can have been obeyed.
    func run<Answer>(
        _ call: ClusterCall,
        reloadCredentials: () -> Void,
        attempt: (Bool) async throws(CallFailure) -> Answer
    ) async throws(KubernetesError) -> Answer {
        let start = clock.elapsed()
        var hadReload = false
        var mayHaveHappened = false
        var number = 0
        while true {
            number += 1
            let failure: CallFailure
            do throws(CallFailure) {
                if Task.isCancelled {
                    throw .final(explanation.cancelled(call, isAmbiguous: mayHaveHappened))
                }
                return try await attempt(mayHaveHappened)
            } catch { failure = error }
            if call.isMutating, failure.mayHaveHappened { mayHaveHappened = true }
            func error(_ code: KubernetesError.Code) -> KubernetesError {
                let effort = CallEffort(
                    attempts: number,
                    elapsed: clock.elapsed() - start,
                    mayHaveHappened: mayHaveHappened
                )
                return explanation.error(call, failure, code, effort)
            }
            switch AnswerRules.verdict(on: failure, of: call, hadReload: hadReload) {
            case .permanent(let code): throw error(code)
            case .reloadCredentials:
                hadReload = true
                reloadCredentials()
                observe(.credentialsReloaded)
            case .retry(let code, let floor):
                var generator = SystemRandomNumberGenerator()
                let pause = ClusterBackoff.calls.pause(
                    retry: number,
                    floor: floor,
                    using: &generator
                )
                guard number < retry.attempts, clock.elapsed() - start + pause <= retry.time
                else { throw error(code) }
                observe(
                    .retrying(
                        what: call.words,
                        attempt: number,
                        pause: pause,
                        why: failure.words
                    )
                )
                do { try await clock.sleep(pause) } catch {
                    throw explanation.cancelled(call, isAmbiguous: mayHaveHappened)
                }
            }
        }
    }
}

/// What was spent on a call before it was given up.
struct CallEffort: Sendable, Equatable {
    var attempts: Int
    var elapsed: Duration
    /// Whether the server can have done, in one of the attempts, what was asked.
    var mayHaveHappened: Bool
}
