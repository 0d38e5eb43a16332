/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the drivers share. A driver is one function of its input; entry.c makes a libFuzzer program
 * of each, and test_seeds.c runs each over its seeds. An input that fails must fail alone, too: what
 * a driver keeps does not depend on the inputs before.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>
#include <stdlib.h>

/* fuzz_NAME.c for each; seeds/NAME/ holds its seeds. */
#define FUZZ_DRIVERS(X) \
    X(json)             \
    X(sse)              \
    X(request)          \
    X(call)             \
    X(reply)            \
    X(config)           \
    X(tokens)           \
    X(prices)           \
    X(usage)            \
    X(count)            \
    X(journal)

#define FUZZ_DECLARE(NAME) void fuzz_##NAME(struct span input);
FUZZ_DRIVERS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

/* Ends the run; the two places that call drivers each have their own. */
_Noreturn void fuzz_fail(const char *text, const char *file, int line);

#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* More than any input here needs: what a full arena does is asked for on purpose, or not at all. */
#define FUZZ_ROOM ((size_t)64 << 20)

static inline bool fuzz_inside(struct span part, struct span whole)
{
    return part.ptr >= whole.ptr && part.len <= whole.len &&
           (size_t)(part.ptr - whole.ptr) <= whole.len - part.len;
}

/* ---- cuts ---- */

/* Numbers that follow from the input alone, so that seeds need no bytes that say where to cut. */
struct fuzz_chance {
    uint64_t state;
};

static inline struct fuzz_chance fuzz_chance_of(struct span input)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < input.len; i++)
        hash = (hash ^ (unsigned char)input.ptr[i]) * UINT64_C(0x100000001B3);
    return (struct fuzz_chance){hash | 1};
}

/* 0 … below-1; xorshift64*. */
static inline size_t fuzz_below(struct fuzz_chance *chance, size_t below)
{
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (size_t)(chance->state * UINT64_C(0x2545F4914F6CDD1D) >> 32) % below;
}

enum fuzz_cut { FUZZ_WHOLE, FUZZ_BYTES, FUZZ_CHANCE, FUZZ_CUTS };

/* The next piece of *rest, in a copy of exactly its size, so that a read past its end is seen. The
 * caller frees ptr. */
static inline struct span fuzz_piece(struct span *rest, enum fuzz_cut cut,
                                     struct fuzz_chance *chance)
{
    size_t size = cut == FUZZ_WHOLE   ? rest->len
                  : cut == FUZZ_BYTES ? 1
                                      : 1 + fuzz_below(chance, (size_t)1 << fuzz_below(chance, 9));
    if (size > rest->len)
        size = rest->len;
    char *copy = malloc(size);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, rest->ptr, size);
    *rest = span_from(*rest, size);
    return span_make(copy, size);
}

#endif
