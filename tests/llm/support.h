/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this module share: seeded chance, recorded files, JSON into facts. */
#ifndef TESTS_LLM_SUPPORT_H
#define TESTS_LLM_SUPPORT_H

#include "base/arena.h"
#include "base/memory.h"
#include "base/span.h"
#include "llm/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_DATA WEIR_SOURCE_DIR "/../shared/data"

#define assert_span_equal(got, expected) check_span((got), (expected), __FILE__, __LINE__)

static inline void check_span(struct span got, const char *expected, const char *file, int line)
{
    if (span_equal(got, span_from_string(expected)))
        return;
    print_error("got <%.*s>, expected <%s>\n", SPAN_ARG(got), expected);
    _fail(file, line);
}

/* xorshift64*: the same numbers in every run. */
struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return chance->state * UINT64_C(2685821657736338717);
}

/* 0 … below-1. */
static inline uint64_t chance_below(struct chance *chance, uint64_t below)
{
    return (chance_next(chance) >> 11) % below;
}

/* A number of 0 to `bits` bits, small ones as likely as large ones. */
static inline int64_t chance_scaled(struct chance *chance, unsigned bits)
{
    uint64_t width = chance_below(chance, bits + 1);
    return width == 0 ? 0 : (int64_t)(chance_next(chance) >> (64 - width));
}

/* The whole file with a NUL after it, to be freed; NULL when there is none. */
static inline char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t used = 0;
    for (;;) {
        text = memory_resize(text, used + 65536 + 1, 1);
        size_t got = fread(text + used, 1, 65536, file);
        if (got == 0)
            break;
        used += got;
    }
    text[used] = '\0';
    *len = used;
    fclose(file);
    return text;
}

#endif
