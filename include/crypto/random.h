/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel. Any thread. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Never fails: a system without randomness aborts. */
void random_bytes(void *out, size_t size);
uint64_t random_u64(void);

#endif
