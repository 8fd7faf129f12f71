// SPDX-License-Identifier: Apache-2.0

/// How long to go on trying.
package struct RetryPolicy: Sendable, Equatable {
    /// What to do when the process has spent its budget.
    package enum EmptyBudget: Sendable {
        /// Give up: somebody waits for an answer, and others want to get through.
        case fail
        /// Go on at the longest pause: hours of compute hang on it.
        case wait
    }

    /// Attempts at one request whose bytes arrive damaged.
    static let mismatchAttempts = 4

    /// Attempts at one request; nil for no limit.
    package var attempts: Int?
    /// Time from the first attempt after which no new one is made.
    package var time: Duration
    package var whenBudgetIsEmpty: EmptyBudget

    package init(attempts: Int?, time: Duration, whenBudgetIsEmpty: EmptyBudget) {
        self.attempts = attempts
        self.time = time
        self.whenBudgetIsEmpty = whenBudgetIsEmpty
    }

    /// For everything that comes before a tool has run, and for the head: outlives an outage of a
    /// minute, then says what is wrong.
    package static let standard = RetryPolicy(
        attempts: 16,
        time: .seconds(180),
        whenBudgetIsEmpty: .fail
    )

    /// For storing what a tool has made: bounded by time alone.
    package static func results(within time: Duration = .seconds(3600)) -> RetryPolicy {
        RetryPolicy(attempts: nil, time: time, whenBudgetIsEmpty: .wait)
    }
}
