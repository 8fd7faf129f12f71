// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Digests

@Suite struct CRC64NVMETests {
    /// The definition: one bit at a time.
    private func reference(_ bytes: some Sequence<UInt8>) -> UInt64 {
        ~bytes.reduce(UInt64.max) { crc, byte in
            (0..<8)
                .reduce(crc ^ UInt64(byte)) { crc, _ in
                    crc >> 1 ^ (crc & 1 == 1 ? 0x9a6c_9329_ac4b_c9b5 : 0)
                }
        }
    }

    private func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count)
            .map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
    }

    @Test func `The check value of the catalogue of CRCs`() {
        let checksum = CRC64NVME(of: Array("123456789".utf8))
        #expect(checksum.hex == "ae8b14860a799888")
        #expect(checksum.base64 == "rosUhgp5mIg=")
        #expect(CRC64NVME().hex == "0000000000000000")
    }

    /// Made by another implementation: `awscrt.checksums.crc64nvme`.
    @Test(arguments: [
        ([UInt8](repeating: 0, count: 32), "cf3473434d4ecf3b"),
        ([UInt8](repeating: 255, count: 32), "a0a06974c34d63c4"),
    ])
    func `Vectors of another implementation`(bytes: [UInt8], hex: String) {
        #expect(CRC64NVME(of: bytes).hex == hex)
    }

    @Test func `Folding, tables and the definition agree at every length up to 1000`() {
        let bytes = noise(1000)
        for length in 0...1000 {
            let piece = Array(bytes.prefix(length))
            let fast = CRC64NVME(of: piece)
            #expect(fast == piece.withUnsafeBytes { CRC64NVME.portable($0) })
            #expect(fast == piece.withUnsafeBytes { CRC64NVME.narrow($0) })
            if length % 37 == 0 || length < 20 { #expect(fast.value == reference(piece)) }
        }
    }

    @Test func `Folding and tables agree at every alignment, after any beginning`() {
        let bytes = noise(2200, seed: 9)
        let lengths = [
            0, 1, 15, 16, 127, 128, 129, 255, 256, 300, 511, 512, 513, 600, 1023, 1024, 1040, 1535,
            1536, 2100,
        ]
        bytes.withUnsafeBytes { whole in
            for offset in 0..<64 {
                for length in lengths {
                    let piece = UnsafeRawBufferPointer(rebasing: whole[offset..<(offset + length)])
                    var fast = CRC64NVME(value: 0x0123_4567_89ab_cdef)
                    fast.update(piece)
                    #expect(fast == .portable(piece, after: 0x0123_4567_89ab_cdef))
                    #expect(fast == .narrow(piece, after: 0x0123_4567_89ab_cdef))
                }
            }
        }
    }

    #if arch(x86_64)
    @Test func `This processor folds, so the tests above compare two ways`() {
        #expect(CRC64NVME.isFolded)
    }
    #endif

    @Test func `Pieces combine to the whole`() {
        let bytes = noise(3000, seed: 5)
        let whole = CRC64NVME(of: bytes)
        for cut in [0, 1, 2, 7, 8, 255, 256, 1024, 2047, 2999, 3000] {
            let head = CRC64NVME(of: Array(bytes.prefix(cut)))
            let tail = CRC64NVME(of: Array(bytes.dropFirst(cut)))
            #expect(.combine(head, tail, lengthOfB: Int64(3000 - cut)) == whole)
        }
        var pieces = CRC64NVME()
        for start in stride(from: 0, to: 3000, by: 700) {
            let piece = Array(bytes[start..<min(start + 700, 3000)])
            pieces.append(CRC64NVME(of: piece), length: Int64(piece.count))
        }
        #expect(pieces == whole)
    }

    @Test func `Combining is associative at lengths no test could hash`() {
        let a = CRC64NVME(value: 0xdead_beef_0000_0001)
        let b = CRC64NVME(value: 0x1234_5678_9abc_def0)
        let c = CRC64NVME(value: 0x0fed_cba9_8765_4321)
        let (lengthOfB, lengthOfC): (Int64, Int64) = (5 << 40 | 12345, 48 << 40 | 7)
        let left = CRC64NVME.combine(
            .combine(a, b, lengthOfB: lengthOfB),
            c,
            lengthOfB: lengthOfC
        )
        let right = CRC64NVME.combine(
            a,
            .combine(b, c, lengthOfB: lengthOfC),
            lengthOfB: lengthOfB + lengthOfC
        )
        #expect(left == right)
    }

    @Test func `A mebibyte of zeros, combined and hashed`() {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let start = CRC64NVME(of: [1, 2, 3])
        var hashed = start
        hashed.update(zeros)
        #expect(.combine(start, CRC64NVME(of: zeros), lengthOfB: 1 << 20) == hashed)
    }

    @Test func `Text forms go there and back, and nothing else is read`() throws {
        let checksum = CRC64NVME(value: 0x0001_0203_0405_06ff)
        #expect(try #require(CRC64NVME(base64: checksum.base64)) == checksum)
        #expect(try #require(CRC64NVME(hex: checksum.hex)) == checksum)
        for text in ["", "AAAA", "rosUhgp5mIg", "rosUhgp5mIh=", "rosUhgp5mIg=-2", " rosUhgp5mIg="] {
            #expect(CRC64NVME(base64: text) == nil)
        }
        for text in ["", "ae8b14860a79988", "AE8B14860A799888", "ae8b14860a79988800"] {
            #expect(CRC64NVME(hex: text) == nil)
        }
    }
}
