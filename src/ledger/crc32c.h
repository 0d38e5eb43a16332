/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C (Castagnoli), as iSCSI and ext4 have it. It finds every burst of up to 32 bits and, in a
 * slot of 128 bytes, every error of up to five single bits; the processor has an instruction for it
 * (SSE4.2), which zlib's CRC-32 has not. Any thread.
 */
#ifndef LEDGER_CRC32C_H
#define LEDGER_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t size);
/* Without the instruction, for comparing. */
uint32_t crc32c_by_table(const void *bytes, size_t size);

#endif
