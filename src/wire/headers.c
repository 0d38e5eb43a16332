/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in a list of fields, and media types (RFC 9110, section 8.3.1). A list holds at most a
 * few dozen fields and each name is asked for once or twice: a scan that compares lengths first is
 * faster than building any index.
 */
#include "wire/headers.h"

#include <string.h>

const struct header *headers_find(const struct headers *headers, struct span name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (span_equal_nocase(headers->items[i].name, name))
            return &headers->items[i];
    return NULL;
}

struct span headers_get(const struct headers *headers, struct span name)
{
    const struct header *header = headers_find(headers, name);
    return header != NULL ? header->value : SPAN_NONE;
}

size_t headers_count(const struct headers *headers, struct span name)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++)
        count += span_equal_nocase(headers->items[i].name, name);
    return count;
}

struct span bearer_token(struct span value)
{
    struct span scheme;
    struct span rest = span_cut(value, ' ', &scheme);
    return span_equal_nocase(scheme, SPAN("bearer")) ? span_trim(rest) : SPAN_NONE;
}

bool media_type_is(struct span value, struct span type)
{
    struct span essence;
    span_cut(value, ';', &essence);
    return span_equal_nocase(span_trim(essence), type);
}

/* The length of the quoted string that s begins with, both quotes included; s.len when unclosed. A
 * backslash takes the next byte with it, so that an escaped quote does not end the string. */
static size_t quoted_length(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return s.len;
}

/* Cuts at the first semicolon outside quotes: *head gets what is before, the return value is what
 * is after. */
static struct span cut_parameter(struct span s, struct span *head)
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] != ';')
        i += s.ptr[i] == '"' ? quoted_length(span_from(s, i)) : 1;
    *head = span_make(s.ptr, i);
    return span_from(s, i + 1);
}

/* Escapes inside stay as they are: no parameter that we compare has any. */
static struct span unquote(struct span s)
{
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
        return span_make(s.ptr + 1, s.len - 2);
    return s;
}

struct span media_type_parameter(struct span value, struct span name)
{
    struct span parameter;
    struct span rest = cut_parameter(value, &parameter); /* drops the type itself */
    while (rest.len > 0) {
        struct span key;
        rest = cut_parameter(rest, &parameter);
        struct span text = span_cut(parameter, '=', &key);
        if (span_equal_nocase(span_trim(key), name))
            return unquote(span_trim(text));
    }
    return SPAN_NONE;
}

/* RFC 9110, section 5.5. Bytes beyond ASCII are allowed (obs-text), and stay as they are. */
static bool bytes_safe(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* Eight bytes at once: the top bit of a byte is set where it is below 0x20 or is 0x7f (Mycroft's
 * test; a byte after such a one may be marked too, which only sends it to the exact check). */
static uint64_t suspicious(uint64_t word)
{
    uint64_t below = (word - EACH_BYTE(0x20)) & ~word;
    uint64_t rubout = word ^ EACH_BYTE(0x7f);
    return (below | ((rubout - EACH_BYTE(1)) & ~rubout)) & EACH_BYTE(0x80);
}

bool field_safe(struct span value)
{
    while (value.len >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, value.ptr, sizeof(word));
        if (suspicious(word) != 0 && !bytes_safe(span_make(value.ptr, sizeof(word))))
            return false;
        value = span_from(value, sizeof(word));
    }
    return bytes_safe(value);
}
