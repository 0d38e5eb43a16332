/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which two tokens may stand side by side in an encoding. Byte-pair encoding merges in the order of
 * ranks, so each token comes from exactly one pair, and two neighbours are valid when no pair across
 * the border between them would have been merged before the tokens themselves were. (H. van Antwerpen
 * and A. Neubeck, "So many tokens, so little time", 2024.)
 */
#ifndef LLM_TOKENS_PAIRS_H
#define LLM_TOKENS_PAIRS_H

#include "tokens_private.h"

/* ---- what is known of a token ---- */

/*  | the longest token it begins with : 20 | right part : 20 | left part : 20 |
 *
 * The parts are what it is merged from: of a single byte itself twice, TOKEN_NONE twice where merging
 * never makes it. */
static inline uint64_t facts_make(uint32_t prefix, uint32_t left, uint32_t right)
{
    return (uint64_t)prefix << 40 | (uint64_t)right << 20 | left;
}
static inline uint32_t facts_left(uint64_t facts)
{
    return (uint32_t)facts & TOKEN_MASK;
}
static inline uint32_t facts_right(uint64_t facts)
{
    return (uint32_t)(facts >> 20) & TOKEN_MASK;
}
static inline uint32_t facts_prefix(uint64_t facts)
{
    return (uint32_t)(facts >> 40) & TOKEN_MASK;
}

/* ---- pairs ---- */

/*  | left : 20 | right : 20 | merged : 20 |   in an open-addressed table; 0: free (256 single bytes
 *                                             come before the first that is merged) */
static inline uint64_t pair_key(uint32_t left, uint32_t right)
{
    return (uint64_t)left << TOKEN_BITS | right;
}

static inline uint64_t pair_hash(uint64_t key)
{
    return key * UINT64_C(0x9E3779B97F4A7C15);
}

static inline uint64_t *pair_slot(const struct vocabulary *vocabulary, uint64_t key)
{
    size_t mask = SIZE_MAX >> vocabulary->pairs_shift;
    size_t slot = pair_hash(key) >> vocabulary->pairs_shift;
    while (vocabulary->pairs[slot] != 0 && vocabulary->pairs[slot] >> TOKEN_BITS != key)
        slot = (slot + 1) & mask;
    return &vocabulary->pairs[slot];
}

/* The token that the two, not both single bytes, are merged to, or TOKEN_NONE. Most pairs are none, and the filter nearly
 * always says so. */
static inline uint32_t pair_merged(const struct vocabulary *vocabulary, uint32_t left,
                                   uint32_t right)
{
    uint64_t key = pair_key(left, right);
    if (!filter_holds(vocabulary->pairs_filter, pair_hash(key)))
        return TOKEN_NONE;
    uint64_t pair = *pair_slot(vocabulary, key);
    return pair != 0 ? (uint32_t)pair & TOKEN_MASK : TOKEN_NONE;
}

/* Whether encoding may put one after the other; in a regular vocabulary. `longest`: `left` is the
 * longest token at its place, so with what follows it makes none.
 *
 * Undoes merges on both sides, the latest first, and looks at each step whether what then touches
 * would have been merged earlier than what was undone. Of equals the first is merged first: the same
 * pair further left wins. */
static inline bool pairs_valid(const struct vocabulary *vocabulary, uint32_t left, uint32_t right,
                               bool longest)
{
    const uint64_t *facts = vocabulary->facts;
    uint32_t limit = TOKEN_NONE; /* merges from here on came too late */
    for (;;) {
        if ((left | right) < SINGLE_BYTES)
            return longest || vocabulary->byte_pairs[left << 8 | right] >= limit;
        if (!longest && pair_merged(vocabulary, left, right) < limit)
            return false;
        if (left > right) {
            limit = left;
            left = facts_right(facts[left]);
            longest = false;
        } else {
            limit = right + 1;
            right = facts_left(facts[right]);
        }
    }
}

/* A short way to "valid" where `left` is the longest token at its place: no pair goes across. Says so
 * of most neighbours in scripts of many letters, and of few in English. */
static inline bool pairs_apart(const struct vocabulary *vocabulary, uint32_t left, uint32_t right)
{
    return (vocabulary->sides[left].partners & vocabulary->sides[right].beginnings) == 0;
}

/* Fills facts, sides and pairs, `regular` and `all_made`, from the trie of all tokens and each token's
 * longest beginning. odd[token] becomes true for those that are. */
void pairs_init(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                const uint32_t *prefixes, bool trained, bool *odd);

#endif
