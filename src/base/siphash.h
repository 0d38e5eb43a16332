/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-1-3 (Aumasson, Bernstein 2012; the variant with one round a block and three at the end).
 * Private to base; in a header so that the table's look-up takes it in whole, and so that a test
 * can give it a known key.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/span.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
    uint64_t k0;
    uint64_t k1;
};

/* The four words that the paper calls v0 to v3. */
struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = siphash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = siphash_rotate(s->v2, 32);
}

static inline void siphash_block(struct siphash_state *s, uint64_t block)
{
    s->v3 ^= block;
    siphash_round(s);
    s->v0 ^= block;
}

/* memcpy because a key may begin at any address; one load where the machine allows it. */
static inline uint64_t siphash_load(const char *ptr)
{
    uint64_t block;
    memcpy(&block, ptr, sizeof(block));
    return le64toh(block);
}

static inline uint64_t siphash13(struct siphash_key key, struct span bytes)
{
    /* "somepseudorandomlygeneratedbytes" */
    struct siphash_state s = {
        .v0 = key.k0 ^ 0x736f6d6570736575,
        .v1 = key.k1 ^ 0x646f72616e646f6d,
        .v2 = key.k0 ^ 0x6c7967656e657261,
        .v3 = key.k1 ^ 0x7465646279746573,
    };
    size_t whole = bytes.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        siphash_block(&s, siphash_load(bytes.ptr + i));

    /* The last block: what is left, and the length's low byte on top. */
    uint64_t last = (uint64_t)(bytes.len & 0xff) << 56;
    for (size_t i = whole; i < bytes.len; i++)
        last |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * (i - whole));
    siphash_block(&s, last);

    /* Marks the end, so that no further block could have given this state. */
    s.v2 ^= 0xff;
    siphash_round(&s);
    siphash_round(&s);
    siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
