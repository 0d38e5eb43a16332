/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the strict pass says of a text. */
#ifndef TESTS_WIRE_JSON_VERDICT_H
#define TESTS_WIRE_JSON_VERDICT_H

#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Scans a copy of exactly that size: a read past the end is seen. */
static inline bool scan_copy(struct span text, struct json_fault *fault)
{
    struct arena arena;
    struct json_object object;
    char *copy = malloc(text.len > 0 ? text.len : 1);
    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    arena_init(&arena, 1 << 20);
    *fault = (struct json_fault){0};
    bool valid = json_scan(span_make(copy, text.len), &arena, &object, fault);
    arena_fini(&arena);
    free(copy);
    return valid;
}

static inline void accept(struct span text)
{
    struct json_fault fault;
    if (!scan_copy(text, &fault))
        print_error("refused (%s at %zu): %.*s\n", fault.what, fault.offset, SPAN_ARG(text));
    assert_true(scan_copy(text, &fault));
}

static inline void refuse(struct span text, const char *what, size_t offset)
{
    struct json_fault fault;
    bool valid = scan_copy(text, &fault);
    if (valid || strcmp(fault.what, what) != 0 || fault.offset != offset)
        print_error("%s at %zu instead of %s at %zu: %.*s\n", valid ? "accepted" : fault.what,
                    fault.offset, what, offset, SPAN_ARG(text));
    assert_false(valid);
    assert_string_equal(fault.what, what);
    assert_int_equal(fault.offset, offset);
}

struct refused {
    const char *text;
    const char *what;
    size_t offset;
};

static inline void refuse_each(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refuse(span_from_string(cases[i].text), cases[i].what, cases[i].offset);
}

#endif
