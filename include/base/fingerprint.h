/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast hash of 64 bits, the same in every process: for fingerprints in statistics, where a
 * collision costs a wrong figure. Not for tables whose keys come from outside (base/table.h has a
 * keyed hash for those). Any thread.
 */
#ifndef BASE_FINGERPRINT_H
#define BASE_FINGERPRINT_H

#include "base/span.h"

#include <stdint.h>

/* `seed` chains: the hash of one text as the seed of the next gives the hash of their sequence. */
uint64_t fingerprint(struct span text, uint64_t seed);

#endif
