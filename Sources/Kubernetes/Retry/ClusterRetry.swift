// SPDX-License-Identifier: Apache-2.0

/// How long to go on trying one call.
package struct ClusterRetry: Sendable, Equatable {
    package var attempts: Int
    /// Time from the first attempt after which no new one is made.
    package var time: Duration

    package init(attempts: Int, time: Duration) {
        self.attempts = attempts
        self.time = time
    }

    /// Outlives a restart of the API server, then says what is wrong.
    package static let standard = ClusterRetry(attempts: 20, time: .seconds(120))
    /// For a person who waits for the answer.
    package static let once = ClusterRetry(attempts: 1, time: .zero)
}
