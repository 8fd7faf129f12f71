// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Continues a CRC-64/NVME (reflected, polynomial 0xad93d23594c93659, init and xorout all ones).
///
/// `crc` is the finished checksum of what came before, 0 at the start.
uint64_t cdigests_crc64nvme(uint64_t crc, const void *bytes, size_t count);

/// The same by tables alone: what a processor without carry-less multiplication runs.
uint64_t cdigests_crc64nvme_portable(uint64_t crc, const void *bytes, size_t count);

/// The same with 128-bit pieces: what a processor runs that has no 512-bit carry-less multiplication.
uint64_t cdigests_crc64nvme_narrow(uint64_t crc, const void *bytes, size_t count);

/// Whether cdigests_crc64nvme() folds with carry-less multiplication on this processor.
bool cdigests_crc64nvme_is_folded(void);
