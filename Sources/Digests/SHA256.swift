// SPDX-License-Identifier: Apache-2.0

import CCrypto
import Names

/// A finished SHA-256 (FIPS 180-4): 32 bytes, written as 64 lower-case hexadecimal digits.
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let bytes: [UInt8]

    /// Takes 32 bytes; nil for any other number.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// The digest of `message`.
    package init(of message: [UInt8]) {
        var hasher = SHA256Hasher()
        hasher.update(message)
        self = hasher.finalize()
    }

    fileprivate init(finished bytes: [UInt8]) {
        precondition(bytes.count == 32, "SHA-256 has 32 bytes")
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }
}

/// A SHA-256 under way.
package struct SHA256Hasher: ~Copyable, Sendable {
    private let context: DigestContext

    /// Begins with no bytes.
    package init() {
        Cryptography.start()
        context = DigestContext(EVP_sha256())
    }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) { context.update(bytes) }

    /// Continues over `bytes`.
    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { context.update($0) } }

    /// The digest of all bytes so far; the hasher is used up.
    package consuming func finalize() -> SHA256Digest {
        SHA256Digest(finished: context.finalize())
    }
}
