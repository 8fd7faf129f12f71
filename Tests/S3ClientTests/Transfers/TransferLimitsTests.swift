// SPDX-License-Identifier: Apache-2.0

import Testing
@testable import S3Client

@Suite struct TransferLimitsTests {
    private static let mebibyte: Int64 = 1 << 20

    @Test(
        arguments: [
            ([1 << 30], 16), ([1 << 30, 1 << 30], 8), ([Int64](repeating: 1 << 30, count: 9), 4),
            ([1 << 30, 100, 2000, 1 << 20], 16), ([], 16),
        ] as [([Int64], Int)]
    )
    func `large files share what parts are cut for, small ones do not count`(
        sizes: [Int64],
        share: Int
    ) {
        let limits = TransferLimits(sharedBy: sizes, atOnce: 8)
        #expect(limits.cutFor == share)
        #expect(limits.parallel == 4)
        #expect(limits.widest == 16)
        #expect(limits.room != nil)
    }

    @Test func `what one may have does not make parts smaller where many share it`() {
        let sizes = [Int64](repeating: 100 * Self.mebibyte, count: 9)
        let limits = TransferLimits(sharedBy: sizes, atOnce: 16)
        #expect(limits.partBytes(of: 100 * Self.mebibyte) == 13 * Self.mebibyte)
    }

    @Test func `those that wait do not count`() {
        let sizes = [Int64](repeating: 1 << 30, count: 9)
        #expect(TransferLimits(sharedBy: sizes, atOnce: 1).cutFor == 16)
    }

    @Test(
        arguments: [
            // Evenly over four, 16 MiB at most.
            (4, 4, 100, 13), (4, 4, 1024, 16), (8, 8, 256, 16),
            // There is work for as many as may be, down to 8 MiB each.
            (4, 16, 100, 8), (4, 16, 160, 10), (4, 16, 1024, 16), (8, 32, 256, 8),
        ] as [(Int, Int, Int64, Int64)]
    )
    func `parts are even and large`(parallel: Int, widest: Int, size: Int64, part: Int64) {
        let limits = TransferLimits(parallel: parallel, widest: widest)
        #expect(limits.partBytes(of: size * Self.mebibyte) == part * Self.mebibyte)
    }
}
