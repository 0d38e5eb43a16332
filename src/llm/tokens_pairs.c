/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the pair that each token is merged from, in the order of ranks: of the ways to cut it into
 * two tokens of lower ranks, the one whose parts are valid neighbours. There is at most one.
 *
 * A token without such a pair is never made by merging: it can only be a whole piece. Were the
 * definition to make it all the same, the vocabulary did not come from training, and is not `regular`.
 */
#include "tokens_pairs.h"

#include "base/memory.h"

static bool is_made(const struct vocabulary *vocabulary, uint32_t token)
{
    return facts_left(vocabulary->facts[token]) != TOKEN_NONE;
}

static void add_pair(struct vocabulary *vocabulary, uint32_t left, uint32_t right, uint32_t merged)
{
    uint64_t bits;
    uint64_t key = pair_key(left, right);
    *pair_slot(vocabulary, key) = key << TOKEN_BITS | merged;
    *filter_word(vocabulary, pair_hash(key), &bits) |= bits;
}

/* Fills the facts of a token from those of the tokens before it. */
static bool find_parts(struct vocabulary *vocabulary, struct span bytes, uint32_t token,
                       const uint32_t *prefixes)
{
    for (uint32_t left = prefixes[token]; left != TOKEN_NONE; left = prefixes[left]) {
        struct span rest = span_from(bytes, vocabulary->lens[left]);
        uint32_t right = vocabulary_find(vocabulary, rest);
        if (right == TOKEN_NONE || left >= token || right >= token || !is_made(vocabulary, left) ||
            !is_made(vocabulary, right) || !pairs_valid(vocabulary, left, right, false))
            continue;
        add_pair(vocabulary, left, right, token);
        vocabulary->facts[token] = facts_make(prefixes[token], left, right);
        return true;
    }
    vocabulary->facts[token] = facts_make(prefixes[token], TOKEN_NONE, TOKEN_NONE);
    return false;
}

/* Whether merging makes one token of these bytes. */
static bool merges_to_one(const struct vocabulary *vocabulary, struct span bytes)
{
    uint32_t tokens[TOKEN_LEN_MAX];
    return bpe_merge(vocabulary, bytes, tokens) == 1;
}

static void make_tables(struct vocabulary *vocabulary)
{
    unsigned bits = FILTER_SLOTS_SHIFT;
    while ((size_t)1 << bits < (size_t)vocabulary->count * 2)
        bits++;
    vocabulary->pairs_shift = 64 - bits;
    vocabulary->pairs = memory_array((size_t)1 << bits, sizeof(uint64_t));
    vocabulary->pairs_filter =
        memory_array((size_t)1 << (bits - FILTER_SLOTS_SHIFT), sizeof(uint64_t));
    vocabulary->facts = memory_array(vocabulary->count, sizeof(uint64_t));
}

void pairs_init(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                const uint32_t *prefixes, bool trained)
{
    vocabulary->regular = true;
    vocabulary->all_made = true;
    make_tables(vocabulary);
    for (uint32_t token = 0; token < SINGLE_BYTES && vocabulary->regular; token++) {
        vocabulary->regular = vocabulary->lens[token] == 1;
        vocabulary->facts[token] = facts_make(TOKEN_NONE, token, token);
    }
    for (uint32_t token = SINGLE_BYTES; token < vocabulary->count && vocabulary->regular; token++) {
        struct span bytes = packed_token(packed, token);
        bool made = find_parts(vocabulary, bytes, token, prefixes);
        vocabulary->all_made = vocabulary->all_made && made;
        if (!made || !trained)
            vocabulary->regular = made == merges_to_one(vocabulary, bytes);
    }
    vocabulary->all_made = vocabulary->all_made && vocabulary->regular;
}
