/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A vocabulary's birth and end: first a trie of all tokens, then the pairs, which say what merging
 * makes, then, if that is not all of them, a trie of those. */
#include "tokens_pairs.h"
#include "tokens_private.h"
#include "tokens_trie.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>

#define ONES UINT64_MAX

const struct piece_key piece_key_masks[PIECE_KEY_MAX + 1] = {
    {0, 0},
    {ONES >> 56, 0},
    {ONES >> 48, 0},
    {ONES >> 40, 0},
    {ONES >> 32, 0},
    {ONES >> 24, 0},
    {ONES >> 16, 0},
    {ONES >> 8, 0},
    {ONES, 0},
    {ONES, ONES >> 56},
    {ONES, ONES >> 48},
    {ONES, ONES >> 40},
    {ONES, ONES >> 32},
    {ONES, ONES >> 24},
    {ONES, ONES >> 16},
    {ONES, ONES >> 8},
};

uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct span bytes)
{
    const struct trie *trie = &vocabulary->all;
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    /* From the root: a token's rest need not be whole characters. */
    uint64_t node = trie_walk(trie, trie->nodes[0], at, at + bytes.len);
    return node_len(node) == bytes.len && bytes.len > 0 ? node_token(node) : TOKEN_NONE;
}

static void find_starts(struct vocabulary *vocabulary, struct packed_tokens *packed)
{
    uint32_t at = 0;
    vocabulary->lens = memory_array(packed->count, sizeof(vocabulary->lens[0]));
    packed->starts = memory_array(packed->count, sizeof(packed->starts[0]));
    for (uint32_t token = 0; token < packed->count; token++) {
        vocabulary->lens[token] = packed->bytes[at];
        packed->starts[token] = at + 1;
        at += 1U + packed->bytes[at];
    }
}

/* Without the tokens that merging never makes. */
static void keep_made(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                      uint32_t *prefixes)
{
    uint64_t *facts = vocabulary->facts;
    trie_init(&vocabulary->made, packed, facts, prefixes);
    for (uint32_t token = 0; token < vocabulary->count; token++)
        facts[token] =
            facts_make(prefixes[token], facts_left(facts[token]), facts_right(facts[token]));
}

void vocabulary_init(struct vocabulary *vocabulary, const unsigned char *bytes, uint32_t count,
                     bool trained)
{
    struct packed_tokens packed = {.bytes = bytes, .count = count};
    uint32_t *prefixes = memory_array(count, sizeof(prefixes[0]));
    *vocabulary = (struct vocabulary){.count = count};
    ASSERT(count >= SINGLE_BYTES && count <= TOKEN_COUNT_MAX);
    find_starts(vocabulary, &packed);
    trie_init(&vocabulary->all, &packed, NULL, prefixes);
    pairs_init(vocabulary, &packed, prefixes, trained);
    if (vocabulary->regular && !vocabulary->all_made)
        keep_made(vocabulary, &packed, prefixes);
    free(packed.starts);
    free(prefixes);
}

void vocabulary_fini(struct vocabulary *vocabulary)
{
    free(vocabulary->lens);
    trie_fini(&vocabulary->all);
    trie_fini(&vocabulary->made);
    free(vocabulary->facts);
    free(vocabulary->pairs);
    free(vocabulary->pairs_filter);
    *vocabulary = (struct vocabulary){0};
}
