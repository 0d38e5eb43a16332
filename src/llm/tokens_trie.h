/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The longest token at a place. A node of the trie is one word. */
#ifndef LLM_TOKENS_TRIE_H
#define LLM_TOKENS_TRIE_H

#include "tokens_private.h"

/*  | first child : 24 | the only child's byte : 8 | children : 4 | length : 8 | token + 1 : 20 |
 *
 * "token" is the longest that the bytes on the way to the node begin with (0: none, the root), with
 * its length: the last node of a walk has the answer. A node with more than NODE_FEW children has
 * NODE_WIDE for their number, and for the first child the number of a table in `wide`. */
#define NODE_FEW            8
#define NODE_WIDE           15
#define NODE_LEN_SHIFT      20
#define NODE_CHILDREN_SHIFT 28
#define NODE_BYTE_SHIFT     32
#define NODE_FIRST_SHIFT    40
#define NODE_COUNT_MAX      ((size_t)1 << 24)

static inline uint32_t node_token(uint64_t node)
{
    return ((uint32_t)node - 1) & TOKEN_MASK;
}
static inline size_t node_len(uint64_t node)
{
    return node >> NODE_LEN_SHIFT & 255;
}
static inline unsigned node_children(uint64_t node)
{
    return node >> NODE_CHILDREN_SHIFT & 15;
}
static inline size_t node_first(uint64_t node)
{
    return node >> NODE_FIRST_SHIFT;
}

/* Of the eight bytes at `at`: the place of the first that is `byte`; 8 where none is. */
static inline unsigned find_byte(const unsigned char *at, unsigned char byte)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    word ^= ones * byte;
    uint64_t zeros = (word - ones) & ~word & ones * 0x80; /* exact up to the first */
    return zeros != 0 ? (unsigned)__builtin_ctzll(zeros) / 8 : 8;
}

/* The child by that byte: its number, or 0 (the root is nobody's child). Nearly all nodes have one
 * child or none. */
static inline size_t node_child(const struct trie *trie, uint64_t node, unsigned char byte)
{
    unsigned children = node_children(node);
    if (children == 1)
        return (unsigned char)(node >> NODE_BYTE_SHIFT) == byte ? node_first(node) : 0;
    if (children == NODE_WIDE)
        return trie->wide[node_first(node) << 8 | byte];
    unsigned place = find_byte(trie->bytes + node_first(node), byte);
    return place < children ? node_first(node) + place : 0;
}

static inline uint64_t trie_walk(const struct trie *trie, uint64_t node, const unsigned char *at,
                                 const unsigned char *end)
{
    for (; at < end; at++) {
        size_t child = node_child(trie, node, *at);
        if (child == 0)
            break;
        node = trie->nodes[child];
    }
    return node;
}

/* A node with the longest token that the UTF-8 from `at` begins with; at < end. */
static inline uint64_t trie_longest(const struct trie *trie, const unsigned char *at,
                                    const unsigned char *end)
{
    uint64_t node;
    if (end - at >= 3 && (at[0] & 0xF0) == 0xE0) {
        node = trie->third[(at[0] & 15U) << 12 | (at[1] & 63U) << 6 | (at[2] & 63U)];
        if (node != 0)
            return trie_walk(trie, node, at + 3, end);
    }
    node = end - at >= 2 ? trie->second[at[0] | (unsigned)at[1] << 8] : 0;
    return node != 0 ? trie_walk(trie, node, at + 2, end) : trie->single[*at];
}

/* Of the packed tokens, those that are to be kept; all of them where `keep` is NULL; at least one. Sets
 * prefixes[token] for each, to the longest other one that it begins with. */
void trie_init(struct trie *trie, const struct packed_tokens *packed, const bool *keep,
               uint32_t *prefixes);
void trie_fini(struct trie *trie);

#endif
