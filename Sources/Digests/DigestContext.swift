// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// Owns one `EVP_MD_CTX`: a message digest under way.
///
/// libcrypto fails here only when memory is exhausted or the algorithm was left out of the build;
/// neither can be handled, so both stop the program.
// Unchecked because of the pointer: it is owned alone and never handed out, so it moves as a whole.
struct DigestContext: ~Copyable, @unchecked Sendable {
    private let context: OpaquePointer

    /// Begins a digest with what `EVP_sha256()` and its like return.
    init(_ algorithm: OpaquePointer?) {
        // SAFETY: made here, freed in deinit, never shared.
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, algorithm, nil) == 1
        else { preconditionFailure("libcrypto cannot begin a digest") }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "libcrypto cannot continue a digest")
    }

    consuming func finalize() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var length: UInt32 = 0
            // SAFETY: the buffer has room for the longest digest libcrypto knows.
            let status = EVP_DigestFinal_ex(context, buffer.baseAddress, &length)
            precondition(status == 1, "libcrypto cannot finish a digest")
            count = Int(length)
        }
    }
}
