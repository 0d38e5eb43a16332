/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span is a borrowed, read-only run of bytes: a pointer and a length, no terminator. Whoever made
 * the span says how long the bytes live. An empty span may have a NULL pointer.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

/* A span of a string literal. */
#define SPAN(literal) ((struct span){("" literal), sizeof(literal) - 1})
/* The same as an initialiser of static data. */
#define SPAN_INIT(literal)                \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }
#define SPAN_NONE ((struct span){NULL, 0})

/* For printf: "%.*s" takes SPAN_ARG(s). */
#define SPAN_ARG(s) (int)(s).len, ((s).ptr != NULL ? (s).ptr : "")

static inline struct span span_make(const char *ptr, size_t len)
{
    return (struct span){ptr, len};
}

/* NULL gives the empty span. */
struct span span_from_string(const char *string);

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* ASCII letters compare without case; everything else byte for byte. */
bool span_equal_nocase_bytes(struct span a, struct span b); /* of equal length */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    return a.len == b.len && span_equal_nocase_bytes(a, b);
}
bool span_starts_with(struct span s, struct span prefix);
bool span_starts_with_nocase(struct span s, struct span prefix);
bool span_ends_with(struct span s, struct span suffix);

/* Byte order, a shorter prefix first: <0, 0, >0 as memcmp. */
int span_compare(struct span a, struct span b);

/* Without leading and trailing spaces and tabs. */
struct span span_trim(struct span s);

/* The part from `from` on; empty when `from` is past the end. */
struct span span_from(struct span s, size_t from);

/* Index of the first `byte`, or s.len. */
size_t span_find(struct span s, char byte);
/* Index of the first occurrence of `needle`, or s.len. */
size_t span_search(struct span s, struct span needle);

/* Cuts s at the first `byte`: *head gets what is before, the return value what is after. Without
 * `byte` all goes to *head and the rest is empty. */
struct span span_cut(struct span s, char byte, struct span *head);

/* Decimal digits only, no sign, no space, no overflow; false leaves *out as it was. */
bool span_to_u64(struct span s, uint64_t *out);

#define SPAN_U64_SIZE 20
/* The decimal digits of `value`, written into `room`. */
struct span span_from_u64(uint64_t value, char room[SPAN_U64_SIZE]);

#endif
