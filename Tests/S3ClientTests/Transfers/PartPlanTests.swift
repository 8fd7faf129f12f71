// SPDX-License-Identifier: Apache-2.0

import S3Client
import TestSupport
import Testing

@Suite struct PartPlanTests {
    static let mebibyte: Int64 = 1 << 20

    @Test func `small objects are single`() throws {
        for size in [0, 1, 5 * Self.mebibyte, 16 * Self.mebibyte - 1] {
            #expect(try PartPlan(totalBytes: size).isSingle)
        }
        #expect(try !PartPlan(totalBytes: 16 * Self.mebibyte).isSingle)
    }

    @Test func `parts grow so that 10,000 reach the largest object`() throws {
        let biggest = try PartPlan(totalBytes: PartPlan.largestObjectBytes)
        #expect(biggest.partBytes == PartPlan.largestPartBytes)
        #expect(biggest.count == 10_000)
        #expect(try PartPlan(totalBytes: 5 << 40).partBytes == 525 * Self.mebibyte)
        let border = 10_000 * PartPlan.defaultPartBytes
        #expect(try PartPlan(totalBytes: border).partBytes == PartPlan.defaultPartBytes)
        #expect(try PartPlan(totalBytes: border).count == 10_000)
        #expect(try PartPlan(totalBytes: border + 1).partBytes == 9 * Self.mebibyte)
    }

    @Test func `more than that is refused and the limit named`() {
        do throws(S3Error) {
            _ = try PartPlan(totalBytes: PartPlan.largestObjectBytes + 1)
            Issue.record("no error")
        } catch {
            #expect(error.code == .refused)
            #expect(error.what.contains("10,000 parts of 5 GiB"))
        }
    }

    @Test(arguments: [(0, 8), (17, 8), (50, 13), (100, 13), (256, 16), (1 << 20, 16)])
    func `parts that nobody has chosen the size of end together`(total: Int64, part: Int64) {
        let limits = TransferLimits(parallel: total == 256 ? 8 : 4)
        #expect(limits.partBytes(of: total * Self.mebibyte) == part * Self.mebibyte)
        let chosen = TransferLimits(partBytes: 5 * Self.mebibyte)
        #expect(chosen.partBytes(of: total * Self.mebibyte) == 5 * Self.mebibyte)
    }

    @Test func `parts cover every byte once and keep S3's limits`() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let exponent = Int64.random(in: 0...46, using: &generator)
            let total = min(
                Int64.random(in: 1...(1 << exponent), using: &generator),
                PartPlan.largestObjectBytes
            )
            let preferred = Int64.random(in: 0...(6 << 30), using: &generator)
            let plan = try PartPlan(totalBytes: total, preferredPartBytes: preferred)
            #expect(plan.partBytes >= PartPlan.smallestPartBytes)
            #expect(plan.partBytes <= PartPlan.largestPartBytes)
            #expect((1...10_000).contains(plan.count))
            let first = plan.range(ofPart: 1)
            let last = plan.range(ofPart: plan.count)
            #expect(first.offset == 0)
            #expect(last.offset + last.length == total)
            #expect(last.offset == Int64(plan.count - 1) * plan.partBytes)
        }
    }
}
