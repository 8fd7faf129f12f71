// SPDX-License-Identifier: Apache-2.0

import S3Client
import Testing

@testable import Staging

/// F61 and F62: while the store is away, whoever watches is told so once a minute at least, and not at each
/// attempt. `RetryLoopTests` hold that 20 s pass between two attempts at most.
@Suite struct StoreWatchTests {
    /// When something was said in ten minutes of an outage, in seconds, for one who speaks every `pause`.
    private func moments(
        pause: Double,
        retries: Int = 1
    ) -> [Double] {
        let watch = StoreWatch(pause: pause)
        var said: [Double] = []
        var now = 1000.0
        for attempt in 1...40 {
            // Several requests fail side by side.
            for _ in 0..<retries {
                let event = StoreEvent.retrying(
                    what: "Cannot get it",
                    attempt: attempt,
                    pause: .seconds(20),
                    why: "no answer"
                )
                if let word = watch.word(on: event, now: now) {
                    #expect(word.contains("Attempt \(attempt) has failed"))
                    said.append(now - 1000)
                }
            }
            now += min(Double(1 << min(attempt, 6)), 20)
        }
        return said.filter { $0 <= 600 }
    }

    @Test("the head's pause and the worker's", arguments: [10.0, 60.0], [1, 30])
    func aLineAMinute(pause: Double, retries: Int) {
        let said = moments(pause: pause, retries: retries)
        let gaps = zip(said.dropFirst(), said).map { $0 - $1 }
        #expect((said.first ?? 600) <= 60)
        #expect(gaps.allSatisfy { $0 >= pause && $0 <= 80 }, "\(said)")
        #expect(said.count >= 9)
    }
}
