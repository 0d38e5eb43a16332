/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding by its definition, with a heap of the pairs that can be merged. It needs nothing
 * of a vocabulary but its table of tokens: what the linear way (tokens_bpe.c) rests on is checked
 * with it, and vocabularies in which that does not hold are encoded with it.
 *
 * Parts are known by where they begin; a pair that has since changed is noticed when it comes up.
 */
#include "tokens_private.h"

#include <stdlib.h>

#define PIECE_MAX ((size_t)UINT32_MAX / 4)

struct pair {
    uint32_t merged; /* the token: the lower, the earlier */
    uint32_t start;
    uint32_t end;
};

struct merger {
    const struct vocabulary *vocabulary;
    struct span piece;
    struct pair *heap; /* at most three for each byte: one at first, two after each merge */
    size_t count;
    uint32_t *next; /* where the part after begins; 0: no part begins here */
    uint32_t *previous;
};

static bool comes_first(struct pair a, struct pair b)
{
    return a.merged != b.merged ? a.merged < b.merged : a.start < b.start;
}

static void push(struct merger *merger, struct pair pair)
{
    size_t at = merger->count++;
    for (; at > 0 && comes_first(pair, merger->heap[(at - 1) / 2]); at = (at - 1) / 2)
        merger->heap[at] = merger->heap[(at - 1) / 2];
    merger->heap[at] = pair;
}

static struct pair pop(struct merger *merger)
{
    struct pair first = merger->heap[0];
    struct pair last = merger->heap[--merger->count];
    size_t at = 0;
    for (size_t child = 1; child < merger->count; child = at * 2 + 1) {
        if (child + 1 < merger->count && comes_first(merger->heap[child + 1], merger->heap[child]))
            child++;
        if (!comes_first(merger->heap[child], last))
            break;
        merger->heap[at] = merger->heap[child];
        at = child;
    }
    merger->heap[at] = last;
    return first;
}

/* The pair of the part that begins there and the one after it, if they are a token together. */
static void offer(struct merger *merger, uint32_t start)
{
    uint32_t second = merger->next[start];
    if (second == merger->piece.len)
        return;
    uint32_t end = merger->next[second];
    uint32_t merged =
        vocabulary_find(merger->vocabulary, span_make(merger->piece.ptr + start, end - start));
    if (merged != TOKEN_NONE)
        push(merger, (struct pair){merged, start, end});
}

static bool still_there(const struct merger *merger, struct pair pair)
{
    uint32_t second = merger->next[pair.start];
    return second != 0 && second != merger->piece.len && merger->next[second] == pair.end;
}

static void merge(struct merger *merger, struct pair pair)
{
    merger->next[merger->next[pair.start]] = 0;
    merger->next[pair.start] = pair.end;
    if (pair.end < merger->piece.len)
        merger->previous[pair.end] = pair.start;
    offer(merger, pair.start);
    if (pair.start > 0)
        offer(merger, merger->previous[pair.start]);
}

static size_t merge_all(struct merger *merger, uint32_t *tokens)
{
    uint32_t len = (uint32_t)merger->piece.len;
    size_t count = 0;
    for (uint32_t i = 0; i < len; i++) {
        merger->next[i] = i + 1;
        merger->previous[i] = i - 1; /* nobody asks for the first one's */
    }
    for (uint32_t i = 0; i < len; i++)
        offer(merger, i);
    while (merger->count > 0) {
        struct pair pair = pop(merger);
        if (still_there(merger, pair))
            merge(merger, pair);
    }
    for (uint32_t at = 0; at < len; at = merger->next[at])
        tokens[count++] = vocabulary_find(merger->vocabulary,
                                          span_make(merger->piece.ptr + at, merger->next[at] - at));
    return count;
}

size_t bpe_merge(const struct vocabulary *vocabulary, struct span piece, uint32_t *tokens)
{
    if (piece.len > PIECE_MAX)
        return 0;
    struct merger merger = {.vocabulary = vocabulary,
                            .piece = piece,
                            .heap = malloc(piece.len * 3 * sizeof(struct pair)),
                            .next = malloc(piece.len * sizeof(uint32_t)),
                            .previous = malloc(piece.len * sizeof(uint32_t))};
    size_t count = 0;
    if (merger.heap != NULL && merger.next != NULL && merger.previous != NULL)
        count = merge_all(&merger, tokens);
    free(merger.heap);
    free(merger.next);
    free(merger.previous);
    return count;
}
