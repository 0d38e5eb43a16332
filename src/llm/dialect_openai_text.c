/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON strings compared and measured as they are written. All text here has passed json_scan: every
 * escape is whole and every surrogate has its partner.
 */
#include "dialect_openai.h"

#define ESCAPE_SIZE 6 /* \uXXXX */

struct span openai_text(struct span value)
{
    return span_make(value.ptr + 1, value.len - 2);
}

static unsigned hex_digit(char c)
{
    if (c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)((c | 0x20) - 'a') + 10;
}

/* The code unit of "\uXXXX". */
static unsigned code_unit(const char *escape)
{
    unsigned unit = 0;
    for (size_t i = 2; i < ESCAPE_SIZE; i++)
        unit = unit << 4 | hex_digit(escape[i]);
    return unit;
}

unsigned openai_next_ascii(struct span contents, size_t *at)
{
    const char *from = contents.ptr + *at;
    if (from[0] != '\\') {
        *at += 1;
        return (unsigned char)from[0];
    }
    if (from[1] == 'u') {
        *at += ESCAPE_SIZE;
        return code_unit(from);
    }
    *at += 2;
    switch (from[1]) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (unsigned char)from[1];
    }
}

/* Contents that are longer than the plain text; without an escape they differ. */
bool openai_escaped_text_is(struct span contents, struct span plain)
{
    if (span_find(contents, '\\') == contents.len)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < plain.len; i++)
        if (at >= contents.len || openai_next_ascii(contents, &at) != (unsigned char)plain.ptr[i])
            return false;
    return at == contents.len;
}

bool openai_text_starts_with(struct span contents, struct span plain)
{
    size_t at = 0;
    for (size_t i = 0; i < plain.len; i++)
        if (at >= contents.len || openai_next_ascii(contents, &at) != (unsigned char)plain.ptr[i])
            return false;
    return true;
}

bool openai_value_is(struct span value, enum json_type type, struct span plain)
{
    return type == JSON_STRING && openai_text_is(openai_text(value), plain);
}

/* The UTF-8 length of a code unit; a pair of surrogates, two units, makes four bytes. */
static uint64_t unit_bytes(unsigned unit)
{
    if (unit < 0x80)
        return 1;
    if (unit < 0x800 || (unit >= 0xD800 && unit <= 0xDFFF))
        return 2;
    return 3;
}

uint64_t openai_text_bytes(struct span value)
{
    struct span rest = openai_text(value);
    uint64_t bytes = 0;
    for (;;) {
        size_t plain = span_find(rest, '\\');
        bytes += plain;
        if (plain == rest.len)
            return bytes;
        const char *escape = rest.ptr + plain;
        bool is_unit = escape[1] == 'u';
        bytes += is_unit ? unit_bytes(code_unit(escape)) : 1;
        rest = span_from(rest, plain + (is_unit ? ESCAPE_SIZE : 2));
    }
}

/* The white space on the comma's side goes too, so that nothing shows where the member was. */
struct span openai_member_cut(const struct json_object *object, size_t index, bool kept_before)
{
    const struct json_member *member = &object->members[index];
    const char *from = member->whole.ptr;
    const char *to = from + member->whole.len;
    if (kept_before)
        from = member[-1].whole.ptr + member[-1].whole.len;
    else if (index + 1 < object->count)
        to = member[1].whole.ptr;
    return span_make(from, (size_t)(to - from));
}
