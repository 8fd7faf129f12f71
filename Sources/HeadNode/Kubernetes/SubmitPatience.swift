// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Kubernetes

/// How long a Job that cannot be made yet is waited for, and what is said of it. It does no I/O.
///
/// A cluster that does not answer, or has no room left in a quota, is waited for without end: the
/// run has lost nothing. Whoever has seen enough cancels it.
struct SubmitPatience {
    enum Step: Equatable {
        /// Once more after so many seconds, at most; the text is for people, where it is news.
        case again(seconds: Double, tell: String?)
        case giveUp
    }

    /// How long a Job of the same name may take to go, in seconds.
    static let oldJob = 60
    /// The longest pause, in seconds.
    private static let longest = 15.0

    private var failures = 0
    private var oldJobs = 0
    private var told: KubernetesError.Code?

    mutating func next(after error: KubernetesError) -> Step {
        switch error.code {
        case .alreadyExists, .beingDeleted:
            oldJobs += 1
            return oldJobs > Self.oldJob ? .giveUp : .again(seconds: 1, tell: nil)
        default:
            guard error.isRetryable else { return .giveUp }
            defer { told = error.code }
            failures += 1
            let seconds = min(Self.longest, Double(1 << min(failures - 1, 10)))
            return .again(seconds: seconds, tell: told == error.code ? nil : error.headline)
        }
    }
}
