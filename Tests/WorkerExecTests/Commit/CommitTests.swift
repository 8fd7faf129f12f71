// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Testing

@testable import WorkerExec

/// Two attempts at one run that end at the same time, in every order of their last steps (invariant
/// 1): one wins, its bytes count, and nothing of the other stays.
@Suite struct CommitTests {
    /// The requests of an attempt that loses: log pack; output; result; the result that was first;
    /// removal. Who wins makes the first three.
    static let steps = 5
    private static let commit = 3

    @Test(arguments: 0..<steps, 0..<steps)
    func `one attempt wins, whole, and nothing of the other stays`(
        ahead: Int,
        behind: Int
    ) async throws {
        let bucket = MemoryBucket()
        let one = try Contender("one", in: bucket)
        let two = try Contender("two", in: bucket)
        async let first: Void = one.push()
        async let second: Void = two.push()
        await one.turns.grant(ahead)
        await two.turns.grant(behind)
        await one.turns.grant(Self.steps)
        await two.turns.grant(Self.steps)
        try await first
        try await second

        let isSecond = ahead < Self.commit && behind >= Self.commit
        let (winner, loser) = isSecond ? (two, one) : (one, two)
        try expectAll(of: winner, in: bucket)
        let loserID = loser.attempt.id.description
        #expect(bucket.keys.filter { $0.contains(loserID) } == [])
        #expect(bucket.keys.count == 3, "pack, output and result: \(bucket.keys)")
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
        let reportBytes = try #require(result.report?.bytes)
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
