// SPDX-License-Identifier: Apache-2.0
// CRC-64/NVME. In the reflected form used throughout, bit i of a 64-bit word is the coefficient of
// x^(63-i), so the first byte of a message, in the low bits, has the highest powers.
#include "cdigests.h"

#include <string.h>

#define POLYNOMIAL 0x9a6c9329ac4bc9b5ULL

/// table[k][b]: the remainder of byte b followed by k zero bytes ("slicing by 8").
static uint64_t table[8][256];

/// Continues the bare remainder `crc`, without the inversion before and after.
static uint64_t remainder_by_table(uint64_t crc, const unsigned char *p, size_t count) {
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        crc ^= word;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^
              table[4][crc >> 24 & 255] ^ table[3][crc >> 32 & 255] ^ table[2][crc >> 40 & 255] ^
              table[1][crc >> 48 & 255] ^ table[0][crc >> 56];
    }
    for (; count > 0; p++, count--) crc = table[0][(crc ^ *p) & 255] ^ crc >> 8;
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 8

/// Moves a 128-bit piece n bits up and adds what stands there. `powers` holds x^(n+63) for the
/// piece's first half and x^(n-1) for its second; one power less than the distance each, because
/// the product of two reflected words comes out one bit low.
__attribute__((target("pclmul,sse4.1"), always_inline)) static inline __m128i fold(
    __m128i piece, __m128i powers, __m128i next) {
    __m128i first = _mm_clmulepi64_si128(piece, powers, 0x00);
    __m128i second = _mm_clmulepi64_si128(piece, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

/// Eight 128-bit pieces side by side, as many multiplications as a core can have under way.
/// (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009.)
__attribute__((target("pclmul,sse4.1"))) static uint64_t remainder_by_folding(
    uint64_t crc, const unsigned char *p, size_t count) {
    if (count < LANES * 16) return remainder_by_table(crc, p, count);
    const __m128i by_1024 =
        _mm_set_epi64x((long long)0x5f852fb61e8d92dc, (long long)0xa1ca681e733f9c40);
    const __m128i by_128 =
        _mm_set_epi64x((long long)0x21e9761e252621ac, (long long)0xeadc41fd2ba3d420);

    __m128i lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = _mm_loadu_si128((const __m128i *)p + i);
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)crc));
    p += LANES * 16, count -= LANES * 16;

    for (; count >= LANES * 16; p += LANES * 16, count -= LANES * 16)
        for (int i = 0; i < LANES; i++)
            lane[i] = fold(lane[i], by_1024, _mm_loadu_si128((const __m128i *)p + i));

    __m128i all = lane[0];
    for (int i = 1; i < LANES; i++) all = fold(all, by_128, lane[i]);
    for (; count >= 16; p += 16, count -= 16)
        all = fold(all, by_128, _mm_loadu_si128((const __m128i *)p));

    // What is left is a message of 16 bytes with the same remainder as everything so far.
    unsigned char rest[16];
    _mm_storeu_si128((__m128i *)rest, all);
    return remainder_by_table(remainder_by_table(0, rest, sizeof rest), p, count);
}

/// The same with eight 512-bit pieces, each four 128-bit ones that are folded together.
__attribute__((target("vpclmulqdq,avx512f,pclmul,sse4.1"))) static uint64_t
remainder_by_wide_folding(uint64_t crc, const unsigned char *p, size_t count) {
    if (count < LANES * 64) return remainder_by_folding(crc, p, count);
    const __m512i by_4096 = _mm512_broadcast_i32x4(
        _mm_set_epi64x((long long)0xc2409e2537aa5eb1, (long long)0xd0b3aa0ed6d54ae0));

    __m512i lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = _mm512_loadu_si512(p + i * 64);
    lane[0] = _mm512_xor_si512(lane[0], _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)crc)));
    p += LANES * 64, count -= LANES * 64;

    for (; count >= LANES * 64; p += LANES * 64, count -= LANES * 64)
        for (int i = 0; i < LANES; i++) {
            __m512i first = _mm512_clmulepi64_epi128(lane[i], by_4096, 0x00);
            __m512i second = _mm512_clmulepi64_epi128(lane[i], by_4096, 0x11);
            __m512i next = _mm512_loadu_si512(p + i * 64);
            lane[i] = _mm512_xor_si512(_mm512_xor_si512(first, second), next);
        }

    // What is left is a message of 512 bytes with the same remainder as everything so far.
    unsigned char rest[LANES * 64];
    for (int i = 0; i < LANES; i++) _mm512_storeu_si512(rest + i * 64, lane[i]);
    return remainder_by_folding(remainder_by_folding(0, rest, sizeof rest), p, count);
}
#endif

static uint64_t (*fastest)(uint64_t, const unsigned char *, size_t) = remainder_by_table;

/// Runs before main, so that no call needs a lock or a check.
__attribute__((constructor)) static void prepare(void) {
    for (unsigned b = 0; b < 256; b++) {
        uint64_t r = b;
        for (int k = 0; k < 8; k++) r = r >> 1 ^ (POLYNOMIAL & -(r & 1));
        table[0][b] = r;
    }
    for (int k = 1; k < 8; k++)
        for (unsigned b = 0; b < 256; b++)
            table[k][b] = table[0][table[k - 1][b] & 255] ^ table[k - 1][b] >> 8;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"))
        fastest = __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f")
                      ? remainder_by_wide_folding
                      : remainder_by_folding;
#endif
}

uint64_t cdigests_crc64nvme(uint64_t crc, const void *bytes, size_t count) {
    return ~fastest(~crc, bytes, count);
}

uint64_t cdigests_crc64nvme_narrow(uint64_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (fastest != remainder_by_table) return ~remainder_by_folding(~crc, bytes, count);
#endif
    return ~fastest(~crc, bytes, count);
}

uint64_t cdigests_crc64nvme_portable(uint64_t crc, const void *bytes, size_t count) {
    return ~remainder_by_table(~crc, bytes, count);
}

bool cdigests_crc64nvme_is_folded(void) { return fastest != remainder_by_table; }
