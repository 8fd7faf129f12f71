// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Does nothing: boot.c works from a constructor, and a call to this keeps its object in the link.
void boot_linked(void);
