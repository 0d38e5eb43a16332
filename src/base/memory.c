/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail: it ends the process instead. Sizes are checked for overflow here, so
 * that callers may multiply freely.
 */
#include "base/memory.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *memory)
{
    if (memory == NULL)
        assert_failed("out of memory", __FILE__, __LINE__);
    return memory;
}

void *memory_new(size_t size)
{
    return memory_array(1, size);
}

void *memory_array(size_t count, size_t size)
{
    /* calloc checks the product; of nothing it may return NULL, which is no failure. */
    if (count == 0 || size == 0)
        count = size = 1;
    return or_abort(calloc(count, size));
}

void *memory_resize(void *old, size_t count, size_t size)
{
    /* Of nothing realloc would free `old`. */
    if (count == 0 || size == 0)
        count = size = 1;
    return or_abort(reallocarray(old, count, size));
}

char *memory_string(const char *text, size_t len)
{
    ASSERT(len < SIZE_MAX);
    char *copy = memory_new(len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}
