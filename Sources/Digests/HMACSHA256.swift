// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// HMAC (RFC 2104) with SHA-256.
package enum HMACSHA256 {
    /// The 32 bytes of authentication code for `message` under `key`.
    ///
    /// - Precondition: `key` has less than 2 GiB.
    package static func code(key: [UInt8], message: [UInt8]) -> [UInt8] {
        Cryptography.start()
        return [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var length: UInt32 = 0
            // SAFETY: the buffer has room for the longest digest libcrypto knows. An empty key has
            // no address, which libcrypto would take for "the key as before": it gets a byte's.
            let result = withUnsafePointer(to: UInt8(0)) { nothing in
                key.withUnsafeBufferPointer { key in
                    HMAC(
                        EVP_sha256(),
                        key.baseAddress ?? nothing,
                        Int32(key.count),
                        message,
                        message.count,
                        buffer.baseAddress,
                        &length
                    )
                }
            }
            precondition(result != nil, "libcrypto cannot calculate an HMAC")
            count = Int(length)
        }
    }
}
