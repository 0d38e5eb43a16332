/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building the trie: the tokens are sorted by their bytes, so that those below a node are a range,
 * and the range falls apart into the ranges of its children. A node's children are laid side by
 * side, and what is below each of them follows: a walk stays close to where it was.
 */
#include "tokens_trie.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>

struct entry {
    uint64_t head; /* the first eight bytes, as a number that sorts as they do */
    uint32_t token;
};

struct builder {
    struct trie *trie;
    const struct packed_tokens *packed;
    uint32_t *prefixes;
    struct entry *entries; /* sorted */
    size_t used;           /* nodes */
    size_t room;
    size_t wide_used; /* tables */
    size_t wide_room;
};

/* ---- sorting ---- */

static uint64_t head_of(struct span bytes)
{
    uint64_t head = 0;
    memcpy(&head, bytes.ptr, bytes.len < 8 ? bytes.len : 8);
    return __builtin_bswap64(head);
}

/* Sorts by the heads: eight passes by a byte each, the last byte first. */
static void sort_heads(struct entry *entries, struct entry *spare, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t places[256] = {0};
        size_t sum = 0;
        for (size_t i = 0; i < count; i++)
            places[entries[i].head >> shift & 255]++;
        for (int byte = 0; byte < 256; byte++) {
            size_t size = places[byte];
            places[byte] = sum;
            sum += size;
        }
        for (size_t i = 0; i < count; i++)
            spare[places[entries[i].head >> shift & 255]++] = entries[i];
        struct entry *sorted = spare;
        spare = entries;
        entries = sorted;
    }
}

static int compare_bytes(const void *a, const void *b, void *packed)
{
    return span_compare(packed_token(packed, ((const struct entry *)a)->token),
                        packed_token(packed, ((const struct entry *)b)->token));
}

/* Returns how many there are. */
static size_t sort_tokens(struct packed_tokens *packed, const bool *keep, struct entry **sorted)
{
    size_t count = 0;
    struct entry *entries = memory_array(packed->count, sizeof(entries[0]));
    struct entry *spare = memory_array(packed->count, sizeof(entries[0]));
    for (uint32_t token = 0; token < packed->count; token++)
        if (keep == NULL || keep[token])
            entries[count++] = (struct entry){head_of(packed_token(packed, token)), token};
    sort_heads(entries, spare, count);
    free(spare);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && entries[to].head == entries[from].head; to++)
            ;
        if (to - from > 1)
            qsort_r(&entries[from], to - from, sizeof(entries[0]), compare_bytes, packed);
    }
    *sorted = entries;
    return count;
}

/* ---- nodes ---- */

static unsigned char byte_of(const struct builder *builder, size_t entry, size_t depth)
{
    return (unsigned char)packed_token(builder->packed, builder->entries[entry].token).ptr[depth];
}

/* One past the last entry, of those up to `to`, that has the same byte there as `from` has. */
static size_t same_byte_end(const struct builder *builder, size_t from, size_t to, size_t depth)
{
    unsigned char byte = byte_of(builder, from, depth);
    size_t end = from + 1;
    while (end < to && byte_of(builder, end, depth) == byte)
        end++;
    return end;
}

/* Places for the children of a node with the entries from `from` up to `to`, which share their
 * first `depth` bytes and have more. Returns how many. */
static size_t add_children(struct builder *builder, size_t from, size_t to, size_t depth)
{
    struct trie *trie = builder->trie;
    size_t count = 0;
    if (builder->room < builder->used + 256 + NODE_FEW) {
        builder->room = builder->room * 2 + 1024;
        trie->nodes = memory_resize(trie->nodes, builder->room, sizeof(trie->nodes[0]));
        trie->bytes = memory_resize(trie->bytes, builder->room, 1);
    }
    for (; from < to; from = same_byte_end(builder, from, to, depth))
        trie->bytes[builder->used + count++] = byte_of(builder, from, depth);
    /* So that the eight bytes of any node can be read. */
    memset(trie->bytes + builder->used + count, 0, NODE_FEW);
    builder->used += count;
    ASSERT(builder->used < NODE_COUNT_MAX);
    return count;
}

/* A table for a node with many children, which begin at `first`. */
static size_t add_wide(struct builder *builder, size_t first, size_t children)
{
    struct trie *trie = builder->trie;
    size_t table = builder->wide_used++;
    if (builder->wide_used > builder->wide_room) {
        builder->wide_room = builder->wide_used * 2;
        trie->wide = memory_resize(trie->wide, builder->wide_room << 8, sizeof(trie->wide[0]));
    }
    memset(trie->wide + (table << 8), 0, 256 * sizeof(trie->wide[0]));
    for (size_t child = first; child < first + children; child++)
        trie->wide[table << 8 | trie->bytes[child]] = (uint32_t)child;
    return table;
}

static uint64_t make_node(struct builder *builder, size_t first, size_t children, uint32_t token)
{
    uint64_t len = token != TOKEN_NONE ? packed_token(builder->packed, token).len : 0;
    uint64_t node = len << NODE_LEN_SHIFT | ((token + 1) & TOKEN_MASK);
    if (children > NODE_FEW)
        return node | (uint64_t)add_wide(builder, first, children) << NODE_FIRST_SHIFT |
               (uint64_t)NODE_WIDE << NODE_CHILDREN_SHIFT;
    return node | (uint64_t)first << NODE_FIRST_SHIFT |
           (uint64_t)builder->trie->bytes[first] << NODE_BYTE_SHIFT |
           (uint64_t)children << NODE_CHILDREN_SHIFT;
}

/* The node of the entries from `from` up to `to`, which share their first `depth` bytes. `prefix` is
 * the longest token that is shorter. Tokens have at most 255 bytes, so this is not deep. */
static void build_node(struct builder *builder, size_t node, size_t from, size_t to, size_t depth,
                       uint32_t prefix)
{
    if (packed_token(builder->packed, builder->entries[from].token).len == depth) {
        uint32_t token = builder->entries[from++].token;
        builder->prefixes[token] = prefix;
        prefix = token;
    }
    size_t first = builder->used;
    size_t children = add_children(builder, from, to, depth);
    builder->trie->nodes[node] = make_node(builder, first, children, prefix);
    for (size_t child = first; child < first + children; child++) {
        size_t end = same_byte_end(builder, from, to, depth);
        build_node(builder, child, from, end, depth + 1, prefix);
        from = end;
    }
}

/* Gives back what was taken in advance. */
static void shrink(const struct builder *builder)
{
    struct trie *trie = builder->trie;
    trie->nodes = memory_resize(trie->nodes, builder->used, sizeof(trie->nodes[0]));
    trie->bytes = memory_resize(trie->bytes, builder->used + NODE_FEW, 1);
    if (builder->wide_used > 0)
        trie->wide = memory_resize(trie->wide, builder->wide_used << 8, sizeof(trie->wide[0]));
}

/* ---- ways in ---- */

/* A node's child; 0 where there is none. */
static uint64_t child_of(const struct trie *trie, uint64_t node, unsigned byte)
{
    size_t child = node != 0 ? node_child(trie, node, (unsigned char)byte) : 0;
    return child != 0 ? trie->nodes[child] : 0;
}

static void add_starts(struct trie *trie)
{
    trie->second = memory_array((size_t)1 << 16, sizeof(trie->second[0]));
    trie->third = memory_array((size_t)1 << 16, sizeof(trie->third[0]));
    for (unsigned first = 0; first < 256; first++) {
        uint64_t node = child_of(trie, trie->nodes[0], first);
        trie->single[first] = node & (((uint64_t)1 << NODE_CHILDREN_SHIFT) - 1);
        for (unsigned second = 0; second < 256; second++)
            trie->second[first | second << 8] = child_of(trie, node, second);
    }
    for (unsigned code = 0; code < 1U << 16; code++) {
        unsigned second = (code >> 6 & 63) | 0x80;
        uint64_t node = trie->second[(code >> 12 | 0xE0) | second << 8];
        trie->third[code] = child_of(trie, node, (code & 63) | 0x80);
    }
}

void trie_init(struct trie *trie, const struct packed_tokens *packed, const bool *keep,
               uint32_t *prefixes)
{
    struct packed_tokens tokens = *packed;
    *trie = (struct trie){0};
    struct builder builder = {
        .trie = trie, .packed = packed, .prefixes = prefixes, .used = 1 /* the root */};
    size_t count = sort_tokens(&tokens, keep, &builder.entries);
    build_node(&builder, 0, 0, count, 0, TOKEN_NONE);
    free(builder.entries);
    shrink(&builder);
    add_starts(trie);
}

void trie_fini(struct trie *trie)
{
    free(trie->nodes);
    free(trie->bytes);
    free(trie->wide);
    free(trie->second);
    free(trie->third);
    *trie = (struct trie){0};
}
