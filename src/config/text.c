/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, and the stand-ins U+E000 to U+E004 for the characters that YAML would act on. */
#include "text.h"

#include <string.h>

#define GUARDED     "{}[],"
#define GUARD_FIRST 0xE000u
#define GUARD_LAST  (GUARD_FIRST + sizeof(GUARDED) - 2)
#define GUARD_SIZE  3 /* bytes of a stand-in: EE 80 8x */
#define BOM         "\xEF\xBB\xBF"

/* The character at the start of `s` and its bytes; 0 bytes when it is not UTF-8. */
static size_t decode(struct span s, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)s.ptr[0];
    size_t len = lead < 0x80       ? 1
                 : lead >> 5 == 6  ? 2
                 : lead >> 4 == 14 ? 3
                 : lead >> 3 == 30 ? 4
                                   : 0;
    if (len == 0 || len > s.len)
        return 0;
    uint32_t value = len == 1 ? lead : lead & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.ptr[i];
        if (next >> 6 != 2)
            return 0;
        value = value << 6 | (next & 0x3Fu);
    }
    if (value < least[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *out = value;
    return len;
}

/* What libyaml's reader takes, which would report the rest without a place; and no stand-in, which
 * would be swapped back to what was not there. */
static bool is_allowed(uint32_t c)
{
    if (c >= GUARD_FIRST && c <= GUARD_LAST)
        return false;
    if (c < 0xA0)
        return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7E) || c == 0x85;
    return c != 0xFEFF && c != 0xFFFE && c != 0xFFFF;
}

/* Windows editors write one. */
static struct span without_bom(struct span text)
{
    return span_starts_with(text, SPAN(BOM)) ? span_from(text, strlen(BOM)) : text;
}

bool text_check(struct span text, struct report *report)
{
    struct mark at = {1, 1};
    struct span rest = without_bom(text);
    while (rest.len > 0) {
        uint32_t c = 0;
        size_t len = decode(rest, &c);
        if (len == 0) {
            report_add(report, at, "the file is not UTF-8 here");
            return false;
        }
        if (!is_allowed(c)) {
            report_add(report, at, "the character U+%04X is not allowed", (unsigned)c);
            return false;
        }
        at.column++;
        if (c == '\n')
            at = (struct mark){at.line + 1, 1};
        rest = span_from(rest, len);
    }
    return true;
}

/* Bytes of the reference at the start of `s`; 0 when it is none, or when it does not end before
 * the line, or before a quote that may end the scalar it stands in. */
static size_t reference_length(struct span s)
{
    if (!span_starts_with(s, SPAN("${")))
        return 0;
    for (size_t i = 2; i < s.len; i++) {
        if (s.ptr[i] == '}')
            return i + 1;
        if (s.ptr[i] == '\n' || s.ptr[i] == '\r' || s.ptr[i] == '"' || s.ptr[i] == '\'')
            return 0;
    }
    return 0;
}

/* Characters that mean nothing to a flow collection go through as they are. */
static bool guard_byte(char c, struct buf *out)
{
    const char *found = strchr(GUARDED, c);
    if (found == NULL)
        return buf_append_byte(out, c);
    char stand_in[GUARD_SIZE] = {'\xEE', '\x80', (char)(0x80 + (found - GUARDED))};
    return buf_append(out, span_make(stand_in, GUARD_SIZE));
}

bool text_guard(struct span text, struct buf *out)
{
    struct span rest = without_bom(text);
    while (rest.len > 0) {
        size_t plain = span_find(rest, '$');
        buf_append(out, span_make(rest.ptr, plain));
        rest = span_from(rest, plain);
        size_t len = reference_length(rest);
        for (size_t i = 0; i < len; i++)
            guard_byte(rest.ptr[i], out);
        if (len == 0 && rest.len > 0) {
            buf_append_byte(out, '$');
            len = 1;
        }
        rest = span_from(rest, len);
    }
    return !buf_failed(out);
}

struct span text_unguard(struct span text, struct arena *arena)
{
    char *out = config_alloc(arena, text.len + 1, 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t c = 0;
        if (decode(span_from(text, i), &c) == GUARD_SIZE && c >= GUARD_FIRST && c <= GUARD_LAST) {
            out[len++] = GUARDED[c - GUARD_FIRST];
            i += GUARD_SIZE - 1;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    return span_make(out, len);
}
