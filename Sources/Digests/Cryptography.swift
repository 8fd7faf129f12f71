// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// libcrypto, made ready.
package enum Cryptography {
    private static let isStarted: Bool = {
        precondition(ccrypto_init() == 1, "libcrypto cannot be initialised")
        return true
    }()

    /// Makes libcrypto ready without reading the `openssl.cnf` of whatever image we run in. It stays ready to
    /// the last: threads may still close connections while the program ends.
    ///
    /// Everything in this module calls it; whoever uses OpenSSL in another way, through libcurl for
    /// instance, calls it first. Any number of calls, from any thread, do it once.
    package static func start() { _ = isStarted }
}
