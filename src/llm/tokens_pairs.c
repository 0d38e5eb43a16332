/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the pair that each token is merged from, in the order of ranks: of the ways to cut it into
 * two tokens of lower ranks, the one whose parts are valid neighbours. There is at most one.
 *
 * A token without such a pair is never made by merging: it can only be a whole piece. Were the
 * definition to make it all the same, the vocabulary did not come from training alone (Llama 3's had
 * tokens added), and the token is odd.
 */
#include "tokens_pairs.h"

#include "base/memory.h"

#include <stdlib.h>

static bool is_made(const struct vocabulary *vocabulary, uint32_t token)
{
    return facts_left(vocabulary->facts[token]) != TOKEN_NONE;
}

static void add_pair(struct vocabulary *vocabulary, uint32_t left, uint32_t right, uint32_t merged)
{
    uint64_t key = pair_key(left, right);
    if ((left | right) < SINGLE_BYTES) {
        vocabulary->byte_pairs[left << 8 | right] = merged;
        return;
    }
    *pair_slot(vocabulary, key) = key << TOKEN_BITS | merged;
    uint64_t hash = pair_hash(key);
    vocabulary->pairs_filter[filter_word(hash)] |= filter_bits(hash);
}

/* The pair that the token is merged from, if the tokens before it are all that there are. */
static bool find_parts(const struct vocabulary *vocabulary, struct span bytes, uint32_t token,
                       const uint32_t *prefixes, uint32_t *left, uint32_t *right)
{
    for (*left = prefixes[token]; *left != TOKEN_NONE; *left = prefixes[*left]) {
        *right = vocabulary_find(vocabulary, span_from(bytes, vocabulary->lens[*left]));
        if (*right != TOKEN_NONE && *left < token && *right < token && is_made(vocabulary, *left) &&
            is_made(vocabulary, *right) && pairs_valid(vocabulary, *left, *right, false))
            return true;
    }
    return false;
}

/* Whether merging makes one token of these bytes. */
static bool merges_to_one(const struct vocabulary *vocabulary, struct span bytes)
{
    uint32_t tokens[TOKEN_LEN_MAX];
    return bpe_merge(vocabulary, bytes, tokens) == 1;
}

/* Fills the facts of a token from those of the tokens before it. Returns whether it is odd. */
static bool add_token(struct vocabulary *vocabulary, struct span bytes, uint32_t token,
                      const uint32_t *prefixes, bool trained)
{
    uint32_t left;
    uint32_t right;
    bool found = find_parts(vocabulary, bytes, token, prefixes, &left, &right);
    bool made = found && trained ? true : merges_to_one(vocabulary, bytes);
    if (found && made) {
        add_pair(vocabulary, left, right, token);
        vocabulary->facts[token] = facts_make(prefixes[token], left, right);
        return false;
    }
    vocabulary->facts[token] = facts_make(prefixes[token], TOKEN_NONE, TOKEN_NONE);
    vocabulary->all_made = false;
    return made;
}

static void make_tables(struct vocabulary *vocabulary)
{
    unsigned bits = 9;
    while ((size_t)1 << bits < (size_t)vocabulary->count * 2)
        bits++;
    vocabulary->pairs_shift = 64 - bits;
    vocabulary->pairs = memory_array((size_t)1 << bits, sizeof(uint64_t));
    vocabulary->pairs_filter = memory_array((size_t)1 << FILTER_WORD_BITS, sizeof(uint64_t));
    vocabulary->byte_pairs = memory_array(SINGLE_BYTES * SINGLE_BYTES, sizeof(uint32_t));
    for (size_t pair = 0; pair < (size_t)SINGLE_BYTES * SINGLE_BYTES; pair++)
        vocabulary->byte_pairs[pair] = TOKEN_NONE;
    vocabulary->facts = memory_array(vocabulary->count, sizeof(uint64_t));
}

/* One of 64 bits. */
static uint64_t token_bit(uint32_t token)
{
    return (uint64_t)1 << (token * 2654435761U >> 26);
}

static void make_sides(struct vocabulary *vocabulary)
{
    uint32_t count = vocabulary->count;
    const uint64_t *facts = vocabulary->facts;
    uint64_t *after =
        memory_array(count, sizeof(after[0])); /* in the pairs that a token is first in */
    vocabulary->sides = memory_array(count, sizeof(vocabulary->sides[0]));
    for (uint32_t token = SINGLE_BYTES; token < count; token++)
        if (is_made(vocabulary, token))
            after[facts_left(facts[token])] |= token_bit(facts_right(facts[token]));
    for (uint32_t token = 0; token < count; token++) {
        struct token_sides *sides = &vocabulary->sides[token];
        sides->beginnings = token_bit(token);
        if (token < SINGLE_BYTES || !is_made(vocabulary, token))
            continue;
        /* Parts have lower ranks: theirs are there. */
        sides->beginnings |= vocabulary->sides[facts_left(facts[token])].beginnings;
        uint32_t right = facts_right(facts[token]);
        sides->partners = vocabulary->sides[right].partners | after[right];
    }
    free(after);
}

void pairs_init(struct vocabulary *vocabulary, const struct packed_tokens *packed,
                const uint32_t *prefixes, bool trained, bool *odd)
{
    vocabulary->regular = true;
    vocabulary->all_made = true;
    make_tables(vocabulary);
    for (uint32_t token = 0; token < SINGLE_BYTES && vocabulary->regular; token++) {
        vocabulary->regular = vocabulary->lens[token] == 1;
        vocabulary->facts[token] = facts_make(TOKEN_NONE, token, token);
    }
    if (!vocabulary->regular) {
        vocabulary->all_made = false;
        return;
    }
    for (uint32_t token = SINGLE_BYTES; token < vocabulary->count; token++)
        odd[token] = add_token(vocabulary, packed_token(packed, token), token, prefixes, trained);
    make_sides(vocabulary);
}
