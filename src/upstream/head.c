/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Curl passes header lines on much as they came. What goes up from here is checked: a field that a
 * client might read in another way than we did does not pass (folded lines, blanks in names, control
 * bytes), nor does an answer whose length two fields tell differently, which curl would tolerate.
 */
#include "head.h"

#include "wire/headers.h"

/* RFC 9110, section 5.6.2. */
static const bool token_bytes[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,         ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

bool field_name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!token_bytes[(unsigned char)name.ptr[i]])
            return false;
    return name.len > 0;
}

/* A folded line begins with a blank, so its name is none. */
static bool parse_line(struct span line, struct header *item)
{
    struct span value;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (span_find(line, ':') == line.len)
        return false;
    value = span_cut(line, ':', &item->name);
    item->value = span_trim(value);
    return field_name_ok(item->name) && field_safe(item->value);
}

/* The first length, and whether every other one says the same. */
static bool length_ok(const struct headers *headers)
{
    struct span first = headers_get(headers, SPAN("content-length"));
    uint64_t length;
    if (!span_to_u64(first, &length))
        return false;
    for (size_t i = 0; i < headers->count; i++)
        if (span_equal_nocase(headers->items[i].name, SPAN("content-length")) &&
            !span_equal(headers->items[i].value, first))
            return false;
    return true;
}

/* Either the length or chunks, and nothing else: with both, or with a coding that nobody asked for,
 * another reader of the same bytes could see the end elsewhere (RFC 9112, section 6.3). */
static bool framing_ok(const struct headers *headers)
{
    size_t lengths = headers_count(headers, SPAN("content-length"));
    size_t codings = headers_count(headers, SPAN("transfer-encoding"));
    if (codings == 0)
        return lengths == 0 || length_ok(headers);
    return codings == 1 && lengths == 0 &&
           span_equal_nocase(headers_get(headers, SPAN("transfer-encoding")), SPAN("chunked"));
}

bool head_parse(struct span lines, struct header *items, size_t *count)
{
    struct span line;
    *count = 0;
    lines = span_cut(lines, '\n', &line); /* the status line, which curl has read */
    while (lines.len > 0) {
        lines = span_cut(lines, '\n', &line);
        if (*count == HEAD_FIELDS || !parse_line(line, &items[*count]))
            return false;
        (*count)++;
    }
    return framing_ok(&(struct headers){items, *count});
}
