/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding of one piece, in linear time: from left to right, the longest token that may
 * follow the token before it; where none may, the token before it gives way to a shorter one. A place
 * from which there was no way on is marked dead, so it is left only once. There is exactly one
 * encoding in which all neighbours are valid (tokens_pairs.c), and merging finds the same.
 */
#include "tokens_pairs.h"
#include "tokens_private.h"
#include "tokens_trie.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>

/* Pieces up to this length need no memory but the stack. */
#define SMALL_PIECE 512

struct walk {
    const struct vocabulary *vocabulary;
    const unsigned char *start;
    const unsigned char *end;
    uint32_t *tokens;
    uint64_t *dead; /* a bit for each place in the piece */
};

static inline bool is_dead(const struct walk *walk, size_t at)
{
    return (walk->dead[at / 64] >> at % 64 & 1) != 0;
}

static inline bool may_follow(const struct walk *walk, size_t at, uint32_t token, uint32_t last,
                              bool last_is_longest)
{
    /* (In ASCII the short way leads nowhere.) */
    bool apart =
        last_is_longest && walk->start[at] >= 0x80 && pairs_apart(walk->vocabulary, last, token);
    return apart || last == TOKEN_NONE ||
           pairs_valid(walk->vocabulary, last, token, last_is_longest);
}

/* Of `token` and the tokens that it begins with, the longest that may come at `at`, after `last`;
 * *len is its length. TOKEN_NONE where none may. */
static inline uint32_t fitting(const struct walk *walk, size_t at, uint32_t token, size_t *len,
                               uint32_t last, bool last_is_longest)
{
    const struct vocabulary *vocabulary = walk->vocabulary;
    while (is_dead(walk, at + *len) || !may_follow(walk, at, token, last, last_is_longest)) {
        token = facts_prefix(vocabulary->facts[token]);
        if (token == TOKEN_NONE)
            break;
        *len = vocabulary->lens[token];
    }
    return token;
}

static size_t walk_piece(const struct walk *walk)
{
    const struct vocabulary *vocabulary = walk->vocabulary;
    const struct trie *trie = vocabulary->all_made ? &vocabulary->all : &vocabulary->made;
    const unsigned char *start = walk->start;
    size_t size = (size_t)(walk->end - start);
    size_t count = 0;
    size_t at = 0;
    uint32_t last = TOKEN_NONE;
    bool last_is_longest = false; /* then `last` and what follows are no token together */
    uint64_t node = trie_longest(trie, start, walk->end);
    uint32_t token = node_token(node);
    size_t len = node_len(node);
    for (;;) {
        token = fitting(walk, at, token, &len, last, last_is_longest);
        if (token != TOKEN_NONE) {
            walk->tokens[count++] = token;
            at += len;
            if (at == size)
                return count;
            last = token;
            last_is_longest = token == node_token(node);
            node = trie_longest(trie, start + at, walk->end);
            token = node_token(node);
            len = node_len(node);
        } else {
            walk->dead[at / 64] |= (uint64_t)1 << at % 64;
            ASSERT(count > 0); /* there is an encoding, so there is a way on from the start */
            token = walk->tokens[--count];
            len = vocabulary->lens[token];
            at -= len;
            last = count > 0 ? walk->tokens[count - 1] : TOKEN_NONE;
            last_is_longest = false; /* as far as is known */
            node = 0;                /* no token is its */
        }
    }
}

/* Whether the bytes of an odd token occur in the piece. */
static bool has_odd(const struct vocabulary *vocabulary, struct span piece)
{
    const struct trie *odd = &vocabulary->odd;
    const unsigned char *end = (const unsigned char *)piece.ptr + piece.len;
    if (odd->nodes == NULL)
        return false;
    for (const unsigned char *at = (const unsigned char *)piece.ptr; end - at >= 2; at++) {
        unsigned start = at[0] | (unsigned)at[1] << 8;
        if ((vocabulary->odd_starts[start / 64] >> start % 64 & 1) != 0 &&
            node_len(trie_walk(odd, odd->nodes[0], at, end)) > 0)
            return true;
    }
    return false;
}

/* The upper bound where there is no memory: each byte by itself. */
static size_t encode_bytes(const struct vocabulary *vocabulary, struct span piece, uint32_t *tokens)
{
    for (size_t i = 0; i < piece.len; i++)
        tokens[i] = node_token(vocabulary->all.single[(unsigned char)piece.ptr[i]]);
    return piece.len;
}

size_t bpe_encode(const struct vocabulary *vocabulary, struct span piece, uint32_t *tokens)
{
    UNINITIALIZED uint64_t small[SMALL_PIECE / 64 + 1];
    size_t words = piece.len / 64 + 1;
    if (!vocabulary->regular || has_odd(vocabulary, piece)) {
        size_t count = bpe_merge(vocabulary, piece, tokens);
        return count > 0 ? count : encode_bytes(vocabulary, piece, tokens);
    }
    uint64_t *dead = piece.len <= SMALL_PIECE ? memset(small, 0, words * sizeof(small[0]))
                                              : calloc(words, sizeof(small[0]));
    if (dead == NULL)
        return encode_bytes(vocabulary, piece, tokens);
    const unsigned char *start = (const unsigned char *)piece.ptr;
    struct walk walk = {vocabulary, start, start + piece.len, tokens, dead};
    size_t count = walk_piece(&walk);
    if (dead != small)
        free(dead);
    return count;
}

size_t bpe_count(const struct vocabulary *vocabulary, struct span piece)
{
    UNINITIALIZED uint32_t small[SMALL_PIECE];
    if (piece.len <= SMALL_PIECE)
        return bpe_encode(vocabulary, piece, small);
    uint32_t *tokens = malloc(piece.len * sizeof(tokens[0]));
    size_t count = tokens != NULL ? bpe_encode(vocabulary, piece, tokens) : piece.len;
    free(tokens);
    return count;
}
