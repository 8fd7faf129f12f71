// SPDX-License-Identifier: Apache-2.0

import CDigests
import Names

/// The checksum S3 calls CRC64NVME, of a whole object or of one piece of it.
///
/// Pieces hashed apart, in any order, combine to the checksum of the whole, so parts and ranges
/// need no second pass. It protects against accidents, not against forgers.
package struct CRC64NVME: Hashable, Sendable {
    /// The finished checksum of all bytes so far; 0 for none.
    package private(set) var value: UInt64

    /// The checksum of no bytes.
    package init() { value = 0 }

    /// A checksum calculated elsewhere.
    package init(value: UInt64) { self.value = value }

    /// The checksum of `bytes`.
    package init(of bytes: [UInt8]) {
        self.init()
        update(bytes)
    }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        value = cdigests_crc64nvme(value, base, bytes.count)
    }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Continues over a piece that was hashed apart.
    ///
    /// - Parameter length: of that piece, in bytes.
    package mutating func append(_ piece: CRC64NVME, length: Int64) {
        self = .combine(self, piece, lengthOfB: length)
    }

    /// The checksum of the bytes of `a` followed by those of `b`, without the bytes.
    ///
    /// - Precondition: `lengthOfB`, in bytes, is not negative.
    package static func combine(
        _ a: CRC64NVME,
        _ b: CRC64NVME,
        lengthOfB: Int64
    ) -> CRC64NVME {
        precondition(lengthOfB >= 0, "a piece cannot have a negative length")
        // The inversions before and after cancel out: what is left is a's remainder, moved up by
        // b's length in bits, plus b's.
        return CRC64NVME(value: Polynomial.shift(a.value, byBytes: lengthOfB) ^ b.value)
    }
}

extension CRC64NVME: CustomStringConvertible {
    /// Eight bytes, the most significant first, in base64: the value of `x-amz-checksum-crc64nvme`.
    package var base64: String { Base64.encode(bigEndianBytes) }

    /// Sixteen lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bigEndianBytes) }

    package var description: String { hex }

    /// Reads what `base64` writes, and nothing else.
    package init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(bigEndianBytes: bytes)
    }

    /// Reads what `hex` writes, and nothing else.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bigEndianBytes: bytes)
    }

    private init?(bigEndianBytes bytes: [UInt8]) {
        guard bytes.count == 8 else { return nil }
        self.init(value: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    private var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }
}

extension CRC64NVME {
    /// The checksum by tables alone, as a processor without carry-less multiplication runs it.
    static func portable(_ bytes: UnsafeRawBufferPointer, after: UInt64 = 0) -> CRC64NVME {
        guard let base = bytes.baseAddress else { return CRC64NVME(value: after) }
        return CRC64NVME(value: cdigests_crc64nvme_portable(after, base, bytes.count))
    }

    /// The checksum by 128-bit pieces, as a processor without 512-bit ones runs it.
    static func narrow(_ bytes: UnsafeRawBufferPointer, after: UInt64 = 0) -> CRC64NVME {
        guard let base = bytes.baseAddress else { return CRC64NVME(value: after) }
        return CRC64NVME(value: cdigests_crc64nvme_narrow(after, base, bytes.count))
    }

    /// Whether `update` folds with carry-less multiplication on this processor.
    static var isFolded: Bool { cdigests_crc64nvme_is_folded() }
}

/// Arithmetic on polynomials over GF(2) modulo the one of CRC-64/NVME; bit i of a word is the
/// coefficient of x^(63-i).
private enum Polynomial {
    private static let modulus: UInt64 = 0x9a6c_9329_ac4b_c9b5
    private static let one: UInt64 = 1 << 63

    /// `value` times x^(8·count), by squaring: at most 2 · 63 multiplications.
    static func shift(_ value: UInt64, byBytes count: Int64) -> UInt64 {
        var result = value
        var power = one >> 8
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, power) }
            power = multiply(power, power)
            rest >>= 1
        }
        return result
    }

    private static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var product: UInt64 = 0
        var shifted = b
        var bit = one
        while bit != 0 {
            if a & bit != 0 { product ^= shifted }
            shifted = shifted >> 1 ^ (shifted & 1 == 1 ? modulus : 0)
            bit >>= 1
        }
        return product
    }
}
