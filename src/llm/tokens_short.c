/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging by the definition, for pieces of up to 15 bytes: the pair with the lowest rank is looked for
 * each time. A pair's rank and its place are one number, so that one minimum finds the lowest rank and
 * of equals the first.
 *
 *   place     0     1     2     3
 *   tokens   [a] - [bc] ------ [d]     next[1] = 3
 *   pairs    a+bc  bc+d   -     -      key: rank << 4 | place; NO_PAIR where there is none
 */
#include "tokens_pairs.h"
#include "tokens_private.h"
#include "tokens_trie.h"

#include "base/assert.h"
#include "base/memory.h"

#define PLACE_BITS 4
#define PLACE_MASK (((uint32_t)1 << PLACE_BITS) - 1)
/* Above all ranks. */
#define NO_PAIR (TOKEN_NONE << PLACE_BITS)

struct scan {
    const struct vocabulary *vocabulary;
    size_t len;
    uint32_t tokens[PIECE_KEY_MAX];
    uint32_t keys[PIECE_KEY_MAX];
    unsigned char next[PIECE_KEY_MAX + 1]; /* where the next token begins: `len` after the last */
    unsigned char previous[PIECE_KEY_MAX + 1];
};

static void begin(struct scan *scan, const unsigned char *bytes)
{
    for (size_t i = 0; i < scan->len; i++) {
        scan->tokens[i] = node_token(scan->vocabulary->all.single[bytes[i]]);
        scan->next[i] = (unsigned char)(i + 1);
        scan->previous[i + 1] = (unsigned char)i;
    }
    for (size_t i = 0; i + 1 < scan->len; i++) {
        uint32_t pair = scan->tokens[i] << 8 | scan->tokens[i + 1];
        scan->keys[i] = scan->vocabulary->byte_pairs[pair] << PLACE_BITS | (uint32_t)i;
    }
}

static uint32_t lowest(const struct scan *scan)
{
    uint32_t lowest = NO_PAIR;
    for (size_t i = 0; i + 1 < scan->len; i++)
        lowest = scan->keys[i] < lowest ? scan->keys[i] : lowest;
    return lowest;
}

/* The key of the tokens at these places, of which at least one is merged. */
static uint32_t key_of(const struct scan *scan, size_t left, size_t right)
{
    uint32_t merged = pair_merged(scan->vocabulary, scan->tokens[left], scan->tokens[right]);
    return merged << PLACE_BITS | (uint32_t)left;
}

static void merge(struct scan *scan, uint32_t key)
{
    size_t at = key & PLACE_MASK;
    size_t gone = scan->next[at];
    size_t right = scan->next[gone];
    scan->tokens[at] = key >> PLACE_BITS;
    scan->next[at] = (unsigned char)right;
    scan->previous[right] = (unsigned char)at;
    scan->keys[gone] = NO_PAIR;
    scan->keys[at] = right < scan->len ? key_of(scan, at, right) : NO_PAIR;
    if (at > 0)
        scan->keys[scan->previous[at]] = key_of(scan, scan->previous[at], at);
}

size_t bpe_count_short(const struct vocabulary *vocabulary, struct span piece)
{
    UNINITIALIZED struct scan scan;
    size_t count = piece.len;
    ASSERT(piece.len > 0 && piece.len <= PIECE_KEY_MAX);
    scan.vocabulary = vocabulary;
    scan.len = piece.len;
    begin(&scan, (const unsigned char *)piece.ptr);
    for (uint32_t key = lowest(&scan); key < NO_PAIR; key = lowest(&scan)) {
        merge(&scan, key);
        count--;
    }
    return count;
}
