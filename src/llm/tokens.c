/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting and encoding: text is cut into pieces, and a piece is a token, or known from before, or
 * merged. What a thread remembers of a tokenizer lies in a table of its own in the thread's cache,
 * so that no piece of one is ever taken for another's.
 */
#include "tokens_block.h"
#include "tokens_private.h"
#include "tokens_split.h"
#include "tokens_text.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>

/* ---- the cache ---- */

#define CACHE_TABLES        4
#define CACHE_SLOTS_DEFAULT ((size_t)1 << 16)
/* Above the length in a key. A piece of 15 bytes has at most 15 tokens. */
#define CACHE_COUNT_SHIFT (PIECE_KEY_LEN_SHIFT + 4)
#define CACHE_COUNT_MASK  ((uint64_t)15 << CACHE_COUNT_SHIFT)

struct cache_table {
    uint64_t serial; /* whose pieces; 0: nobody's yet */
    struct piece_key *slots;
};

struct token_cache {
    unsigned shift; /* a hash's highest bits are its slot */
    size_t slots;
    unsigned oldest;
    struct cache_table tables[CACHE_TABLES];
};

struct token_cache *token_cache_new(size_t slots)
{
    struct token_cache *cache = MEMORY_NEW(struct token_cache);
    cache->slots = slots > 0 ? slots : CACHE_SLOTS_DEFAULT;
    ASSERT(cache->slots >= 2 && (cache->slots & (cache->slots - 1)) == 0);
    cache->shift = 64 - (unsigned)__builtin_ctzll(cache->slots);
    return cache;
}

void token_cache_free(struct token_cache **address)
{
    if (*address == NULL)
        return;
    for (int i = 0; i < CACHE_TABLES; i++)
        free((*address)->tables[i].slots);
    free(*address);
    *address = NULL;
}

/* The slots for this tokenizer's pieces; the table that was taken first gives way to a new one. */
static struct piece_key *cache_slots(struct token_cache *cache, const struct tokenizer *tokenizer)
{
    for (int i = 0; i < CACHE_TABLES; i++)
        if (cache->tables[i].serial == tokenizer->serial)
            return cache->tables[i].slots;
    struct cache_table *table = &cache->tables[cache->oldest++ % CACHE_TABLES];
    if (table->slots == NULL)
        table->slots = memory_array(cache->slots, sizeof(table->slots[0]));
    else
        memset(table->slots, 0, cache->slots * sizeof(table->slots[0]));
    table->serial = tokenizer->serial;
    return table->slots;
}

/* ---- counting ---- */

struct counter {
    const struct vocabulary *vocabulary;
    enum token_grammar grammar;
    struct piece_key *slots; /* of the cache; NULL without one */
    unsigned shift;
    const char *end; /* of the text */
};

static struct counter counter_make(const struct tokenizer *tokenizer, struct token_cache *cache,
                                   struct span text)
{
    return (struct counter){.vocabulary = &tokenizer->vocabulary,
                            .grammar = tokenizer->grammar,
                            .slots = cache != NULL ? cache_slots(cache, tokenizer) : NULL,
                            .shift = cache != NULL ? cache->shift : 0,
                            .end = text.ptr + text.len};
}

static size_t count_anew(const struct counter *counter, struct span piece)
{
    if (vocabulary_find_unmade(counter->vocabulary, piece) != TOKEN_NONE)
        return 1;
    return bpe_count(counter->vocabulary, piece);
}

static bool key_is_ascii(struct piece_key key)
{
    const uint64_t highs = UINT64_C(0x8080808080808080);
    return ((key.low | key.high) & highs) == 0; /* (a length has no high bit) */
}

/* Counts what the cache does not know, and puts it there. */
static size_t count_missing(const struct counter *counter, struct span piece, struct piece_key key,
                            struct piece_key *slot)
{
    const struct vocabulary *vocabulary = counter->vocabulary;
    bool merged = vocabulary->all_made && key_is_ascii(key) &&
                  !filter_holds(vocabulary->whole_filter, piece_key_hash(key));
    size_t count = merged ? bpe_count_short(vocabulary, piece) : count_anew(counter, piece);
    *slot = (struct piece_key){key.low, key.high | (uint64_t)count << CACHE_COUNT_SHIFT};
    return count;
}

/* A piece after which 16 more bytes can be read. */
static inline size_t count_piece(const struct counter *counter, const char *at, size_t len)
{
    if (len > PIECE_KEY_MAX || counter->slots == NULL)
        return count_anew(counter, span_make(at, len));
    struct piece_key key = piece_key_load(at, len);
    struct piece_key *slot = &counter->slots[piece_key_hash(key) >> counter->shift];
    if (slot->low == key.low && (slot->high & ~CACHE_COUNT_MASK) == key.high)
        return slot->high >> CACHE_COUNT_SHIFT;
    return count_missing(counter, span_make(at, len), key, slot);
}

/* Any piece. */
static size_t count_any(const struct counter *counter, struct span piece)
{
    char room[PIECE_KEY_MAX + 1] = {0};
    if (piece.len > PIECE_KEY_MAX || counter->end - piece.ptr >= (ptrdiff_t)sizeof(room))
        return count_piece(counter, piece.ptr, piece.len);
    memcpy(room, piece.ptr, piece.len);
    return count_piece(counter, room, piece.len);
}

/* Whether a block is worth a try: the bytes of one, and of a key that begins at its end, can be read,
 * and it does not begin with anything but ASCII. */
static bool block_fits(const char *at, const char *end)
{
    uint64_t bytes;
    if (end - at < BLOCK_SIZE + (ptrdiff_t)sizeof(struct piece_key))
        return false;
    memcpy(&bytes, at, sizeof(bytes));
    return (bytes & UINT64_C(0x8080808080808080)) == 0;
}

/* Counts the pieces of the block that ends for certain; *at moves past them. */
static int64_t count_block(const struct counter *counter, const char **at)
{
    int64_t count = 0;
    const char *start = *at;
    uint64_t starts = block_starts(counter->grammar, start) >> 1;
    for (const char *next = start + 1; starts != 0; next++) {
        unsigned gap = (unsigned)__builtin_ctzll(starts);
        next += gap;
        starts = starts >> gap >> 1;
        count += (int64_t)count_piece(counter, *at, (size_t)(next - *at));
        *at = next;
    }
    return count;
}

/* Of text that is prepared. */
static int64_t count_ready(const struct tokenizer *tokenizer, struct token_cache *cache,
                           struct span text, int64_t limit)
{
    struct counter counter = counter_make(tokenizer, cache, text);
    bool blocks = block_splits(counter.grammar);
    int64_t count = 0;
    for (const char *at = text.ptr; at < counter.end && count <= limit;) {
        const char *start = at;
        if (blocks && block_fits(at, counter.end))
            count += count_block(&counter, &at);
        if (at > start)
            continue;
        const char *next = split_piece(counter.grammar, at, counter.end);
        count += (int64_t)count_any(&counter, span_make(at, (size_t)(next - at)));
        at = next;
    }
    return count;
}

int64_t tokens_count_until(const struct tokenizer *tokenizer, struct token_cache *cache,
                           struct span text, int64_t limit)
{
    if (text.len == 0)
        return 0;
    struct span ready;
    char *made;
    int64_t count = text_prepare(tokenizer->grammar, text, &ready, &made)
                        ? count_ready(tokenizer, cache, ready, limit)
                        /* Without memory: at most a token for each byte. */
                        : (int64_t)text.len * TEXT_GROWTH;
    free(made);
    return count;
}

int64_t tokens_count(const struct tokenizer *tokenizer, struct token_cache *cache, struct span text)
{
    return tokens_count_until(tokenizer, cache, text, INT64_MAX);
}
