// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// MD5 (RFC 1321), for the `Content-MD5` some servers insist on. It protects nothing.
package enum MD5 {
    /// The 16 bytes of the digest of `message`.
    package static func digest(of message: [UInt8]) -> [UInt8] {
        Cryptography.start()
        let context = DigestContext(EVP_md5())
        message.withUnsafeBytes { context.update($0) }
        return context.finalize()
    }
}
