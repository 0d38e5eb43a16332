/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What only the journal's own files do with slots. */
#ifndef LEDGER_RECORD_PRIVATE_H
#define LEDGER_RECORD_PRIVATE_H

#include "ledger/record.h"

/* In `flags`: a slot of a segment's head. Its seq is its place there, from 0, and its order the last
 * seq before the segment, which was on the disk when the head was written. */
#define RECORD_IN_HEAD 0x80

/* What a sound slot says was on the disk when it was made: every seq up to *durable. False: it is
 * not sound, and says nothing. */
bool record_claim(const uint8_t *slot, uint64_t *durable);

/* Whether the slot is sound and has that seq. */
bool record_is(const uint8_t *slot, uint64_t seq);

#endif
