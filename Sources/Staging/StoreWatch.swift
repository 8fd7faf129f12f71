// SPDX-License-Identifier: Apache-2.0

import S3Client
import Synchronization

/// Says why nothing moves while the bucket is away, now and then.
package final class StoreWatch: Sendable {
    /// The first retries are everyday life.
    private static let patience = 3

    /// How many seconds lie between two words, at least.
    private let pause: Double
    private let lastWord: Mutex<Double>

    package init(pause: Double = 10) {
        self.pause = pause
        lastWord = Mutex(-pause)
    }

    /// What a person should be told of `event`; nil for nothing.
    ///
    /// - Parameter now: in seconds, of a clock that never goes back.
    package func word(
        on event: StoreEvent,
        now: Double
    ) -> String? {
        guard case .retrying(let what, let attempt, _, let why) = event, attempt >= Self.patience
        else { return nil }
        return lastWord.withLock { last in
            guard now - last >= pause else { return nil }
            last = now
            return "\(what): \(why). Attempt \(attempt) has failed; trying again"
        }
    }
}
