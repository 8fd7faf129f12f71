// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import Transport

@testable import S3Client

/// A clock that jumps while a run goes on, ours or the store's (F14).
@Suite struct ClockJumpTests {
    /// A store whose clock goes on with what passes, and that refuses who is 15 minutes off.
    private static func store(
        beside clock: VirtualClock,
        _ answer: @escaping @Sendable (ScriptedTransport.Seen) -> ScriptedTransport.Reply = { _ in
            .stored
        }
    ) -> @Sendable (ScriptedTransport.Seen) async -> ScriptedTransport.Reply {
        let start = clock.now
        return { seen in
            let now = Timestamp(seconds: start + clock.elapsed.components.seconds)
            let latest = Timestamp(seconds: now.seconds + 900).stamp
            let earliest = Timestamp(seconds: now.seconds - 900).stamp
            let stamp = seen.field("x-amz-date") ?? ""
            guard earliest <= stamp, stamp <= latest else {
                let date = HTTPField("date", Self.httpDate(now))
                return .error(403, "RequestTimeTooSkewed", fields: [date])
            }
            return answer(seen)
        }
    }

    private static func httpDate(_ time: Timestamp) -> String {
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let text = Array(time.text)
        func part(_ range: Range<Int>) -> String { String(text[range]) }
        let month = months[(Int(part(5..<7)) ?? 1) - 1]
        return "Sun, \(part(8..<10)) \(month) \(part(0..<4)) \(part(11..<19)) GMT"
    }

    @Test(arguments: [[1200, -2400], [-1200, 2400], [3600, 3600], [-86_400, 86_400, -86_400]])
    func `each jump is corrected, in either direction`(jumps: [Int]) async throws {
        let clock = VirtualClock()
        let talk = try Conversation(clock: clock, Self.store(beside: clock))
        try await Use.put.run(on: talk.store)
        var expected = 1
        for jump in jumps {
            clock.jump(by: Int64(jump))
            for _ in 0..<3 { try await Use.put.run(on: talk.store) }
            expected += 4
            #expect(talk.requests.count == expected, "one is refused, then none")
        }
        #expect(clock.pauses.isEmpty, "nobody waits for a clock")
    }

    @Test func `a jump while a request is tried again and again is corrected too`() async throws {
        let clock = VirtualClock()
        // Trouble, and at each of three attempts the clock is another one.
        let talk = try Conversation(
            policy: .results(),
            clock: clock,
            Self.store(beside: clock) { seen in
                guard seen.number < 7 else { return .stored }
                clock.jump(by: seen.number.isMultiple(of: 4) ? 7200 : -3600)
                return .error(503, "ServiceUnavailable")
            }
        )
        try await Use.put.run(on: talk.store)
        let corrections = talk.events.all.count {
            if case .clockCorrected = $0 { true } else { false }
        }
        #expect(corrections == 3)
    }

    @Test func `what waits goes by time that passes, not by the time of day`() async throws {
        for jump in [-86_400, 86_400] as [Int64] {
            let clock = VirtualClock()
            let talk = try Conversation(policy: .results(within: .seconds(100)), clock: clock) {
                _ in
                clock.jump(by: jump)
                return .error(503, "SlowDown")
            }
            let found = await code { () throws(S3Error) in try await Use.put.run(on: talk.store) }
            #expect(found == .unavailable)
            #expect(talk.requests.count > 3)
            #expect(clock.elapsed > .seconds(40) && clock.elapsed <= .seconds(100))
        }
    }
}
