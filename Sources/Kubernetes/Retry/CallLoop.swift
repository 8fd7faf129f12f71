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
        var course = CallCourse(call, retry, now: clock.elapsed())
        while true {
            let failure: CallFailure
            do throws(CallFailure) {
                if Task.isCancelled { throw .final(cancelled(course)) }
                return try await attempt(course.mayHaveHappened)
            } catch { failure = error }
            var generator = SystemRandomNumberGenerator()
            switch course.failed(failure, now: clock.elapsed(), using: &generator) {
            case .giveUp(let code):
                throw explanation.error(call, failure, code, course.effort(now: clock.elapsed()))
            case .reload:
                reloadCredentials()
                observe(.credentialsReloaded)
            case .pause(let pause):
                observe(
                    .retrying(
                        what: call.words,
                        attempt: course.attempts,
                        pause: pause,
                        why: failure.words
                    )
                )
                do { try await clock.sleep(pause) } catch { throw cancelled(course) }
            }
        }
    }

    private func cancelled(_ course: CallCourse) -> KubernetesError {
        explanation.cancelled(course.call, isAmbiguous: course.mayHaveHappened)
    }
}
