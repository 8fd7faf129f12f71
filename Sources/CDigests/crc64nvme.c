// SPDX-License-Identifier: Apache-2.0
#include "cdigests.h"

uint64_t cdigests_crc64nvme(uint64_t crc, const void *bytes, size_t count) {
    const unsigned char *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x9a6c9329ac4bc9b5ULL & -(crc & 1));
    }
    return ~crc;
}
