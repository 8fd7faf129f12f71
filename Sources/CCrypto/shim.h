// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

/// Call before anything else of libcrypto: the openssl.cnf of whatever image we run in stays unread,
/// so no engine and no provider module is ever loaded from it. Nor does libcrypto tidy up when the program
/// ends: other threads may be closing their connections right then.
static inline int ccrypto_init(void) {
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
}
