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
    if (bytes.len == 0)
        return TOKEN_NONE;
    /* From the root: a token's rest need not be whole characters. */
    uint64_t node = trie_walk(trie, trie->nodes[0], at, at + bytes.len);
    return node_len(node) == bytes.len ? node_token(node) : TOKEN_NONE;
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

static void fill_filter(struct vocabulary *vocabulary, const struct packed_tokens *packed)
{
    vocabulary->whole_filter = memory_array((size_t)1 << FILTER_WORD_BITS, sizeof(uint64_t));
    for (uint32_t token = 0; token < packed->count; token++) {
        char room[PIECE_KEY_MAX + 1] = {0};
        struct span bytes = packed_token(packed, token);
        if (bytes.len > PIECE_KEY_MAX)
            continue;
        memcpy(room, bytes.ptr, bytes.len);
        uint64_t hash = piece_key_hash(piece_key_load(room, bytes.len));
        vocabulary->whole_filter[filter_word(hash)] |= filter_bits(hash);
    }
}

/* A trie of the tokens that merging makes as it should, and their longest beginnings again. */
static void keep_made(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                      uint32_t *prefixes)
{
    uint64_t *facts = vocabulary->facts;
    bool *made = memory_array(vocabulary->count, sizeof(made[0]));
    for (uint32_t token = 0; token < vocabulary->count; token++)
        made[token] = facts_left(facts[token]) != TOKEN_NONE;
    trie_init(&vocabulary->made, packed, made, prefixes);
    for (uint32_t token = 0; token < vocabulary->count; token++)
        facts[token] =
            facts_make(prefixes[token], facts_left(facts[token]), facts_right(facts[token]));
    free(made);
}

/* A trie of the odd ones, if there are any, and what they begin with. */
static void keep_odd(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                     const bool *odd, uint32_t *prefixes)
{
    size_t count = 0;
    vocabulary->odd_starts = memory_array((size_t)1 << 10, sizeof(uint64_t));
    for (uint32_t token = 0; token < vocabulary->count; token++) {
        if (!odd[token])
            continue;
        const char *bytes = packed_token(packed, token).ptr;
        unsigned start = (unsigned char)bytes[0] | (unsigned)(unsigned char)bytes[1] << 8;
        vocabulary->odd_starts[start / 64] |= (uint64_t)1 << start % 64;
        count++;
    }
    if (count > 0)
        trie_init(&vocabulary->odd, packed, odd, prefixes);
}

void vocabulary_init(struct vocabulary *vocabulary, const unsigned char *bytes, uint32_t count,
                     bool trained)
{
    struct packed_tokens packed = {.bytes = bytes, .count = count};
    uint32_t *prefixes = memory_array(count, sizeof(prefixes[0]));
    bool *odd = memory_array(count, sizeof(odd[0]));
    *vocabulary = (struct vocabulary){.count = count};
    ASSERT(count >= SINGLE_BYTES && count <= TOKEN_COUNT_MAX);
    find_starts(vocabulary, &packed);
    fill_filter(vocabulary, &packed);
    trie_init(&vocabulary->all, &packed, NULL, prefixes);
    pairs_init(vocabulary, &packed, prefixes, trained, odd);
    if (vocabulary->regular && !vocabulary->all_made) {
        keep_made(vocabulary, &packed, prefixes);
        keep_odd(vocabulary, &packed, odd, prefixes);
    }
    free(packed.starts);
    free(prefixes);
    free(odd);
}

void vocabulary_fini(struct vocabulary *vocabulary)
{
    free(vocabulary->lens);
    trie_fini(&vocabulary->all);
    trie_fini(&vocabulary->made);
    trie_fini(&vocabulary->odd);
    free(vocabulary->odd_starts);
    free(vocabulary->facts);
    free(vocabulary->sides);
    free(vocabulary->pairs);
    free(vocabulary->pairs_filter);
    free(vocabulary->whole_filter);
    free(vocabulary->byte_pairs);
    *vocabulary = (struct vocabulary){0};
}
