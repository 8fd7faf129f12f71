// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics

/// What follows a try that left no result: its verdict as it is noted, and what is due. Pure.
struct TrySequel {
    /// The verdict in words; the same words for the same cause.
    let verdict: String
    /// Whether it is paid from the budget for what is not the tool's fault.
    var isDisruption = false
    private let step: Step

    private enum Step {
        /// Another try, and nothing before it.
        case again
        case restage
        case end(RunResult.EndReason)
        case hopeless
        case resultLost
        case spent(tries: Int)
        case disrupted(times: Int)
    }

    private let run: RunID
    private let end: TryEnd

    /// - Parameter state: with the try among its tries, the last of them.
    init(_ verdict: TryVerdict, _ end: TryEnd, after state: RunState, _ settings: Settings) {
        run = state.run
        self.end = end
        let earlier = state.tries.dropLast()
        switch verdict {
        case .resultExpected:
            self.verdict = "result lost"
            step = .resultLost
        case .permanent(let why):
            self.verdict = why
            step = .hopeless
        case .limit(let reason, let how):
            self.verdict = how
            step = .end(reason)
        case .retry(let why):
            self.verdict = why
            let used = earlier.count { !$0.isDisruption } + 1
            step = used <= settings.retries ? .again : .spent(tries: used)
        case .retryOnce(let why):
            self.verdict = why
            step = earlier.contains { $0.verdict == why } ? .hopeless : .again
        case .disruption(let why):
            self.verdict = why
            isDisruption = true
            let used = earlier.count { $0.isDisruption } + 1
            step = used <= settings.disruptions ? .again : .disrupted(times: used)
        case .restage(let why):
            self.verdict = why
            step = .restage
        }
    }

    /// What is due.
    ///
    /// - Parameter words: what the worker itself said last; empty for nothing.
    func due(
        _ desk: ResultDesk,
        _ words: String
    ) -> RunState.Due? {
        func failed(_ failure: RunFailure) -> RunState.Due { .end(.failed, failure.line) }
        return switch step {
        case .again: nil
        case .restage: .restage
        case .end(let reason): .end(reason, verdict)
        case .hopeless: failed(.hopeless(run, verdict, end, words))
        case .resultLost: failed(.resultLost(run, desk.layout.result(run), bucket: desk.bucket))
        case .spent(let tries): failed(.spent(run, tries: tries, verdict, end, words))
        case .disrupted(let times): failed(.disrupted(run, times: times, verdict, words))
        }
    }
}
