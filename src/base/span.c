/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans. The C library's functions may not be given NULL even for no bytes, and an empty span may
 * hold one: hence the tests of len.
 */
#include "base/span.h"

#include <string.h>

struct span span_from_string(const char *string)
{
    return string != NULL ? span_make(string, strlen(string)) : SPAN_NONE;
}

/* Not tolower(): the locale must have no say in a protocol. */
static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool span_equal_nocase_bytes(struct span a, struct span b)
{
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equal(span_make(s.ptr, prefix.len), prefix);
}

bool span_starts_with_nocase(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equal_nocase(span_make(s.ptr, prefix.len), prefix);
}

bool span_ends_with(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_equal(span_from(s, s.len - suffix.len), suffix);
}

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* HTTP's optional white space: no line ends, which are errors where they are left over. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    size_t from = 0;
    while (from < s.len && is_blank(s.ptr[from]))
        from++;
    while (s.len > from && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return span_from(s, from);
}

struct span span_from(struct span s, size_t from)
{
    if (from >= s.len)
        from = s.len;
    /* NULL + 0 is not for C. */
    return from > 0 ? span_make(s.ptr + from, s.len - from) : s;
}

size_t span_find(struct span s, char byte)
{
    const char *at = s.len > 0 ? memchr(s.ptr, byte, s.len) : NULL;
    return at != NULL ? (size_t)(at - s.ptr) : s.len;
}

size_t span_search(struct span s, struct span needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len >= needle.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at != NULL ? (size_t)(at - s.ptr) : s.len;
}

struct span span_cut(struct span s, char byte, struct span *head)
{
    /* s is a copy, so *head may be the span that the caller cuts. */
    size_t at = span_find(s, byte);
    *head = span_make(s.ptr, at);
    return span_from(s, at < s.len ? at + 1 : at);
}

bool span_to_u64(struct span s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        /* What is below '0' wraps to a large number: one test for both sides. */
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

struct span span_from_u64(uint64_t value, char room[SPAN_U64_SIZE])
{
    size_t at = SPAN_U64_SIZE;
    do {
        room[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return span_make(room + at, SPAN_U64_SIZE - at);
}
