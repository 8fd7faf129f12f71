// SPDX-License-Identifier: Apache-2.0

/// Decides what comes after a failed attempt at one call. Pure.
struct CallCourse: Sendable {
    enum Step: Equatable, Sendable {
        /// Read the credentials again, then try again at once.
        case reload
        case pause(Duration)
        case giveUp(KubernetesError.Code)
    }

    let call: ClusterCall
    let retry: ClusterRetry
    private let start: Duration
    private(set) var attempts = 0
    /// Whether the server can have done, in one of the attempts, what was asked.
    private(set) var mayHaveHappened = false
    private var hadReload = false
    /// Refusals that were not believed, and when the first came.
    private var refusals = 0
    private var refused: Duration?

    init(_ call: ClusterCall, _ retry: ClusterRetry, now: Duration) {
        self.call = call
        self.retry = retry
        start = now
    }

    mutating func failed(
        _ failure: CallFailure,
        now: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        attempts += 1
        if call.isMutating, failure.mayHaveHappened { mayHaveHappened = true }
        let backoff = ClusterBackoff.calls
        switch AnswerRules.verdict(on: failure, of: call, hadReload: hadReload) {
        case .permanent(let code): return .giveUp(code)
        case .reloadCredentials:
            hadReload = true
            return .reload
        case .retry(let code, let floor):
            let pause = backoff.pause(retry: attempts, floor: floor, using: &generator)
            return bounded(pause, code, now)
        case .retryBriefly(let code):
            refusals += 1
            let since = refused ?? now
            refused = since
            let pause = backoff.pause(retry: refusals, floor: nil, using: &generator)
            guard now - since + pause <= AnswerRules.disbelief else { return .giveUp(code) }
            return bounded(pause, code, now)
        }
    }

    func effort(now: Duration) -> CallEffort {
        CallEffort(attempts: attempts, elapsed: now - start, mayHaveHappened: mayHaveHappened)
    }

    private func bounded(
        _ pause: Duration,
        _ code: KubernetesError.Code,
        _ now: Duration
    ) -> Step {
        attempts < retry.attempts && now - start + pause <= retry.time
            ? .pause(pause) : .giveUp(code)
    }
}

/// What was spent on a call before it was given up.
struct CallEffort: Sendable, Equatable {
    var attempts: Int
    var elapsed: Duration
    /// Whether the server can have done, in one of the attempts, what was asked.
    var mayHaveHappened: Bool
}
