/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Millions of lines pass here: plain bytes are copied in runs. */
#include "json_line.h"

#define REPLACEMENT 0xFFFDU

/* What ends a run of plain bytes. */
static bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t skip_spaces(struct span line, size_t at)
{
    while (at < line.len && is_space(line.ptr[at]))
        at++;
    return at;
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes after the first */
    static const unsigned char heads[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(heads[more] | code >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3F));
    return 1 + more;
}

/* The code unit of the "\uXXXX" at `at`; false when there is none. */
static bool unit_at(struct span line, size_t at, uint32_t *unit)
{
    if (line.len - at < 6 || line.ptr[at] != '\\' || line.ptr[at + 1] != 'u')
        return false;
    *unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = line.ptr[i];
        if (c >= '0' && c <= '9')
            *unit = *unit << 4 | (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            *unit = *unit << 4 | ((uint32_t)(c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* Decodes the escape at `at` to *to. Returns its length; 0 when it is none. */
static size_t take_escape(struct span line, size_t at, char **to)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    char kind = line.len - at >= 2 ? line.ptr[at + 1] : '\0';
    const char *name = kind != '\0' ? strchr(names, kind) : NULL;
    if (name != NULL) {
        *(*to)++ = values[name - names];
        return 2;
    }
    uint32_t unit, low;
    if (!unit_at(line, at, &unit))
        return 0;
    size_t size = 6;
    if (unit >= 0xD800 && unit <= 0xDBFF && unit_at(line, at + 6, &low) && low >= 0xDC00 &&
        low <= 0xDFFF) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        size = 12;
    } else if (unit >= 0xD800 && unit <= 0xDFFF) {
        unit = REPLACEMENT;
    }
    *to += put_utf8(unit, *to);
    return size;
}

const char *json_line_decode(struct span line, char *out, struct span *decoded, size_t *offset)
{
    size_t at = skip_spaces(line, 0);
    char *to = out;
    *offset = at;
    if (at == line.len || line.ptr[at++] != '"')
        return "not a JSON string";
    for (;;) {
        size_t run = at;
        while (at < line.len && !is_special(line.ptr[at]))
            at++;
        memcpy(to, line.ptr + run, at - run);
        to += at - run;
        *offset = at;
        if (at == line.len)
            return "unterminated string";
        if (line.ptr[at] == '"')
            break;
        size_t size = line.ptr[at] == '\\' ? take_escape(line, at, &to) : 0;
        if (size == 0)
            return line.ptr[at] == '\\' ? "malformed escape" : "control character in a string";
        at += size;
    }
    *offset = skip_spaces(line, at + 1);
    *decoded = span_make(out, (size_t)(to - out));
    return *offset == line.len ? NULL : "something follows the string";
}
