// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Testing

@testable import WorkerExec

/// Two attempts at one run that end at the same time, in every order of their last steps (invariant
/// 1): one wins, its bytes count, and nothing of the other stays (F46 and F72).
@Suite struct CommitTests {
    /// The requests of an attempt that loses: log pack; output; a report, if it is long; result; the
    /// result that was first; removal. Who wins makes those up to the result.
    enum Ending: CaseIterable {
        case short
        case long

        var steps: Int { self == .long ? 6 : 5 }
        /// How many of them it takes to win.
        var commit: Int { self == .long ? 4 : 3 }
        /// What makes the report as long.
        var detail: String? {
            self == .long ? String(repeating: "x", count: RunResult.longestReportWithin) : nil
        }
    }

    @Test(arguments: Ending.allCases, 0...6)
    func `one attempt wins, whole, and nothing of the other stays`(
        ending: Ending,
        ahead: Int
    ) async throws {
        for behind in 0...ending.steps where ahead <= ending.steps {
            let bucket = MemoryBucket()
            let one = try Contender("one", in: bucket)
            let two = try Contender("two", in: bucket)
            async let first: Void = one.push(ending.detail)
            async let second: Void = two.push(ending.detail)
            await one.turns.grant(ahead)
            await two.turns.grant(behind)
            await one.turns.grant(ending.steps)
            await two.turns.grant(ending.steps)
            try await first
            try await second

            let isSecond = ahead < ending.commit && behind >= ending.commit
            let (winner, loser) = isSecond ? (two, one) : (one, two)
            try expectAll(of: winner, in: bucket)
            let loserID = loser.attempt.id.description
            #expect(bucket.keys.filter { $0.contains(loserID) } == [], "\(ahead), \(behind)")
            #expect(bucket.keys.count == ending.commit, "what the winner has put: \(bucket.keys)")
        }
    }

    /// The head ends the run, at whatever moment of an attempt's end.
    @Test(arguments: Ending.allCases, 0...6)
    func `an attempt that is ended before it commits leaves nothing`(
        ending: Ending,
        ahead: Int
    ) async throws {
        guard ahead <= ending.steps else { return }
        let bucket = MemoryBucket()
        let one = try Contender("one", in: bucket)
        async let pushed: Void = one.push(ending.detail)
        await one.turns.grant(ahead)
        let fence = RunResult(
            run: one.attempt.run,
            verdict: .ended(reason: .cancelled, message: "The job was cancelled.")
        )
        let key = one.attempt.keys.result(one.attempt.run).description
        let isFirst = bucket.putIfAbsent(try ContractCoding.encode(fence), at: key)
        await one.turns.grant(ending.steps)
        try await pushed
        #expect(isFirst == (ahead < ending.commit))
        if isFirst {
            #expect(bucket.keys == [key])
            #expect(bucket.bytes(key) == (try ContractCoding.encode(fence)))
        } else {
            try expectAll(of: one, in: bucket)
        }
    }

    /// Whoever mends a result that cannot be used removes it, perhaps in just this moment.
    @Test func `a result that is removed meanwhile makes room for an attempt's own`() async throws {
        let bucket = MemoryBucket()
        let one = try Contender("one", in: bucket)
        let key = one.attempt.keys.result(one.attempt.run).description
        #expect(bucket.putIfAbsent([1], at: key))
        async let pushed: Void = one.push()
        // Up to the put that is refused.
        await one.turns.grant(Ending.short.commit)
        bucket.remove(key)
        await one.turns.grant(Ending.short.steps)
        try await pushed
        try expectAll(of: one, in: bucket)
    }

    @Test func `a long report is stored by itself, before the result`() async throws {
        let bucket = MemoryBucket()
        let one = try Contender("one", in: bucket)
        let two = try Contender("two", in: bucket)
        let long = String(repeating: "x", count: RunResult.longestReportWithin)
        for contender in [one, two] {
            async let commit: Void = contender.commit(refusing: long)
            await contender.turns.grant(5)
            try await commit
        }
        let (attempt, keys) = (one.attempt, one.attempt.keys)
        let own = [keys.report(attempt.run, attempt.id), keys.result(attempt.run)]
        #expect(bucket.keys == own.map(\.description).sorted(), "nothing of the loser's")
        let report = try #require(bucket.bytes(own[0].description))
        let result = try ContractCoding.decode(
            RunResult.self,
            from: #require(bucket.bytes(own[1].description)),
            name: "result"
        )
        #expect(result == RunResult(run: attempt.run, attempt: attempt.id, report: report))
        #expect(result.report == nil)
    }

    @Test func `a failure does not replace a report, which may be committed`() async throws {
        let bucket = MemoryBucket()
        let one = try Contender("one", in: bucket)
        async let failing: Void = one.fail(["there first", "there second"])
        await one.turns.grant(10)
        await failing
        let key = one.attempt.keys.report(one.attempt.run, one.attempt.id)
        let report = try ContractCoding.decode(
            AttemptReport.self,
            from: #require(bucket.bytes(key.description)),
            name: "report"
        )
        #expect(report.failure?.message == "there first")
    }

    private func expectAll(of winner: Contender, in bucket: MemoryBucket) throws {
        let (attempt, keys) = (winner.attempt, winner.attempt.keys)
        let result = try ContractCoding.decode(
            RunResult.self,
            from: #require(bucket.bytes(keys.result(attempt.run).description)),
            name: "result"
        )
        let reportBytes = try #require(
            result.report?.bytes ?? bucket.bytes(keys.report(attempt.run, attempt.id).description)
        )
        let digest = SHA256Digest(of: reportBytes)
        #expect(result.verdict == .committed(attempt: attempt.id, reportSHA256: digest))
        let report = try ContractCoding.decode(
            AttemptReport.self,
            from: reportBytes,
            name: "report"
        )
        let output = try #require(report.files.first { $0.path.description.hasSuffix("out.dat") })
        guard case .object(let key) = output.location else {
            Issue.record("the output has no object: \(output)")
            return
        }
        #expect(bucket.bytes(key.description) == Array(winner.text.utf8))
    }
}
