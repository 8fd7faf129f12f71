// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Continues a CRC-64/NVME (reflected, polynomial 0xad93d23594c93659, init and xorout all ones).
///
/// `crc` is the finished checksum of what came before, 0 at the start.
uint64_t cdigests_crc64nvme(uint64_t crc, const void *bytes, size_t count);
