/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tokenizer's insides. A token is known by its index: its place in the order of ranks. (In the
 * built-in encodings the index is the rank.) All tables are immutable once built.
 *
 *   which is the longest token here?   trie          tokens_trie.c
 *   may these two stand side by side?  facts, pairs  tokens_pairs.c
 */
#ifndef LLM_TOKENS_PRIVATE_H
#define LLM_TOKENS_PRIVATE_H

#include "base/ref.h"
#include "llm/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes are compared as words");

/* Longer tokens are refused: lengths are one byte. */
#define TOKEN_LEN_MAX 255
/* Indices have 20 bits; all ones is none. */
#define TOKEN_BITS      20
#define TOKEN_MASK      (((uint32_t)1 << TOKEN_BITS) - 1)
#define TOKEN_NONE      TOKEN_MASK
#define TOKEN_COUNT_MAX (TOKEN_NONE - 1)
/* The tokens of lower indices are single bytes in a regular vocabulary. */
#define SINGLE_BYTES 256

/* ---- pieces ---- */

/* A piece of 1 to 15 bytes as a value: its bytes, zeros, and its length in the last byte. No two
 * pieces have the same key, and none is all zeros. */
#define PIECE_KEY_MAX 15

struct piece_key {
    uint64_t low;
    uint64_t high;
};

/* The length's place in `high`; the four bits above it are the piece cache's. */
#define PIECE_KEY_LEN_SHIFT 56

/* By length: which bits of a key are the piece's. */
extern const struct piece_key piece_key_masks[PIECE_KEY_MAX + 1];

/* `at` has 16 readable bytes; only `len` of them, 1 to 15, count. */
static inline struct piece_key piece_key_load(const char *at, size_t len)
{
    struct piece_key key;
    memcpy(&key, at, sizeof(key));
    key.low &= piece_key_masks[len].low;
    key.high = (key.high & piece_key_masks[len].high) | (uint64_t)len << PIECE_KEY_LEN_SHIFT;
    return key;
}

/* Folded multiplication: all bits of the key reach the high bits of the hash. */
static inline uint64_t piece_key_hash(struct piece_key key)
{
    unsigned __int128 product = (unsigned __int128)(key.low ^ UINT64_C(0x9E3779B97F4A7C15)) *
                                (key.high ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* ---- vocabulary ---- */

/* A node's children lie side by side, in the order of their bytes. What a node is: tokens_trie.h. */
struct trie {
    uint64_t *nodes;      /* 0: the root */
    unsigned char *bytes; /* beside each node; some more after the last */
    uint32_t *wide;       /* of each node with many children: 256 nodes by byte */
    uint64_t *second;     /* by the first two bytes: the node, or 0 */
    uint64_t *third;      /* the same by a first character of three bytes */
    uint64_t single[256]; /* a single byte as if it were a node without children */
};

/* What a token may be merged with across its ends, as sets of tokens by a hash of six bits. */
struct token_sides {
    uint64_t partners; /* of what it ends with, itself left out: what comes after in their pairs */
    uint64_t beginnings; /* it, and what it begins with as it is taken apart */
};

struct vocabulary {
    uint32_t count;
    unsigned char *lens; /* by token */
    struct trie all;
    struct trie made; /* of those that merging makes and that are not odd; empty where all are */

    uint64_t *facts; /* by token: see tokens_pairs.h */
    struct token_sides *sides;
    uint64_t *pairs;
    uint64_t *pairs_filter;
    uint64_t *whole_filter; /* bits by a piece's hash, two for each token of up to 15 bytes */
    uint32_t *byte_pairs;   /* what two single bytes are merged to, by 256 times the first */
    unsigned pairs_shift;

    /* What merging makes, but not from two tokens of lower ranks as training does: pieces in which the
     * bytes of one occur are encoded with a heap (tokens_merge.c). The built-in vocabularies have
     * none. `odd_starts`: a bit for each two bytes that one begins with. */
    struct trie odd;
    uint64_t *odd_starts;

    bool regular;  /* single bytes come first; else all is encoded with a heap */
    bool all_made; /* by merging, and none odd */
};

/* A filter is 2^FILTER_WORD_BITS words: what it holds has two bits of one word set. It stays in a
 * processor's cache, and says "no" of nearly all that it does not hold. */
#define FILTER_WORD_BITS 15

static inline size_t filter_word(uint64_t hash)
{
    return hash >> (64 - FILTER_WORD_BITS);
}
static inline uint64_t filter_bits(uint64_t hash)
{
    return (uint64_t)1 << (hash >> 20 & 63) | (uint64_t)1 << (hash >> 26 & 63);
}
static inline bool filter_holds(const uint64_t *filter, uint64_t hash)
{
    uint64_t bits = filter_bits(hash);
    return (filter[filter_word(hash)] & bits) == bits;
}

/* What a vocabulary is made from: `count` tokens, each a byte with its length, then its bytes. */
struct packed_tokens {
    const unsigned char *bytes;
    uint32_t *starts; /* where the bytes of each begin */
    uint32_t count;
};

static inline struct span packed_token(const struct packed_tokens *packed, uint32_t token)
{
    const unsigned char *bytes = packed->bytes + packed->starts[token];
    return span_make((const char *)bytes, bytes[-1]);
}

/* `bytes` holds `count` tokens, among them all 256 single bytes, and none twice (asserted); it is not
 * kept. `trained`: merging makes each of them from two of lower ranks; else that is looked at. */
void vocabulary_init(struct vocabulary *vocabulary, const unsigned char *bytes, uint32_t count,
                     bool trained);
void vocabulary_fini(struct vocabulary *vocabulary);

/* The token with exactly these bytes, or TOKEN_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct span bytes);

/* The token that merging cannot give for a piece, because it never makes it: TOKEN_NONE if there is
 * none such, which is always so in the built-in vocabularies. */
static inline uint32_t vocabulary_find_unmade(const struct vocabulary *vocabulary,
                                              struct span bytes)
{
    return vocabulary->all_made ? TOKEN_NONE : vocabulary_find(vocabulary, bytes);
}

/* ---- merging ---- */

/* The tokens that byte-pair encoding makes of a piece, and how many. A piece is UTF-8, and not empty;
 * `tokens` has room for one a byte. Where there is no memory for a long piece: its bytes' tokens, of which there are no fewer. */
size_t bpe_encode(const struct vocabulary *vocabulary, struct span piece, uint32_t *tokens);
size_t bpe_count(const struct vocabulary *vocabulary, struct span piece);
/* The count for ASCII of up to 15 bytes that is no token, where all are made by merging: most pieces
 * that are merged at all, and so short that looking for the best pair each time is fastest. */
size_t bpe_count_short(const struct vocabulary *vocabulary, struct span piece);
/* The same by the definition: merge the pair with the lowest rank, the first of equals, until there
 * is none. 0 where there is no memory. */
size_t bpe_merge(const struct vocabulary *vocabulary, struct span piece, uint32_t *tokens);
/* ---- tokenizer ---- */

struct tokenizer {
    struct ref ref;  /* of those from files */
    uint64_t serial; /* no other tokenizer of the process has it */
    enum token_grammar grammar;
    struct vocabulary vocabulary;
    uint32_t *ranks; /* by index; NULL: the index is the rank */
};

/* Gives it a serial. The vocabulary is the caller's to fill. */
void tokenizer_init(struct tokenizer *tokenizer, enum token_grammar grammar);

#endif
