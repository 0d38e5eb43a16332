/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids: the high half never repeats on one source, the low half is a new random number for each id,
 * so that two sources meet only by a 64-bit chance even in the same millisecond (and so that trace
 * samplers, which look at the low bits, see random ones).
 */
#include "base/id.h"

#include "base/clock.h"

#include <string.h>

#define COUNTER_BITS 16

void id_source_init(struct id_source *source, uint64_t seed)
{
    *source = (struct id_source){.random = seed};
}

/* SplitMix64 (Steele, Lea, Flood 2014): each state once in 2^64 steps. */
static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    uint64_t x = *state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

struct id id_next(struct id_source *source, int64_t wall_ns)
{
    uint64_t ms = wall_ns > 0 ? (uint64_t)(wall_ns / NS_PER_MS) : 0;
    uint64_t high = ms << COUNTER_BITS;
    /* In the same millisecond, or when the clock went back, go on from the last one; a counter that
     * overflows borrows from the next millisecond. */
    if (high <= source->last_high)
        high = source->last_high + 1;
    source->last_high = high;
    return (struct id){.high = high, .low = next_random(&source->random)};
}

char *id_format(struct id id, char *out)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned __int128 bits = ((unsigned __int128)id.high << 64) | id.low;
    memcpy(out, "req_", 4);
    out[ID_TEXT_SIZE - 1] = '\0';
    for (int i = ID_TEXT_SIZE - 2; i >= 4; i--) {
        out[i] = alphabet[bits & 31];
        bits >>= 5;
    }
    return out;
}
