/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much longer a text may get before it is cut into tokens. "A token is at least one byte" holds
 * for the bytes that the vocabulary sees; a tokenizer that normalises (NFC, NFKC) first may see more
 * of them than were sent: U+FDFA is 3 bytes and becomes 33.
 *
 * The ranges are the characters that NFKC makes longer, with the most that any of a range grows, and
 * the combining marks, each with 2 more: beside other marks they may break up a letter that was one
 * character before (À with a dot below: 4 bytes become 5). From Unicode 14, coarsely joined, with the
 * scripts of the supplementary planes taken as marks altogether. tests/llm/test_bound_text.c holds
 * the worst cases; docs/internals/bound.md says how they were found.
 */
#include "bound_private.h"

#include <stdbool.h>
#include <string.h>

#define ESCAPE_SIZE 6 /* \uXXXX */

static const struct {
    uint32_t from;
    uint32_t to;
    uint32_t growth; /* bytes of UTF-8 */
} ranges[] = {
    {0x00A8, 0x00BE, 3},   {0x013F, 0x0149, 1},   {0x01C4, 0x01C6, 1},   {0x02D8, 0x0385, 4},
    {0x0483, 0x0487, 2},   {0x0587, 0x05C7, 2},   {0x0610, 0x061A, 2},   {0x064B, 0x0678, 2},
    {0x06D6, 0x074A, 2},   {0x07EB, 0x085B, 2},   {0x0898, 0x08FF, 2},   {0x093C, 0x095F, 3},
    {0x09BC, 0x09FE, 3},   {0x0A33, 0x0A5E, 3},   {0x0ABC, 0x0ACD, 2},   {0x0B3C, 0x0B5D, 3},
    {0x0BCD, 0x0BCD, 2},   {0x0C3C, 0x0C56, 2},   {0x0CBC, 0x0CCD, 2},   {0x0D3B, 0x0D4D, 2},
    {0x0DCA, 0x0DCA, 2},   {0x0E33, 0x0E4B, 3},   {0x0EB3, 0x0EDD, 3},   {0x0F18, 0x0FC6, 6},
    {0x1037, 0x108D, 2},   {0x135D, 0x135F, 2},   {0x1714, 0x1734, 2},   {0x17D2, 0x17DD, 2},
    {0x18A9, 0x193B, 2},   {0x1A17, 0x1CF9, 2},   {0x1DC0, 0x1DFF, 2},   {0x1F50, 0x1FFF, 5},
    {0x2033, 0x2057, 9},   {0x20D0, 0x20F0, 2},   {0x2150, 0x2189, 3},   {0x222C, 0x2230, 6},
    {0x247D, 0x2487, 1},   {0x2A0C, 0x2A0C, 9},   {0x2ADC, 0x2ADC, 2},   {0x2CEF, 0x2DFF, 2},
    {0x302A, 0x302F, 2},   {0x3099, 0x309F, 3},   {0x30FF, 0x30FF, 3},   {0x3200, 0x327D, 5},
    {0x32C0, 0x32FF, 3},   {0x3300, 0x3357, 15},  {0x3358, 0x33FE, 9},   {0xA66F, 0xA6F1, 2},
    {0xA806, 0xABED, 2},   {0xFA6C, 0xFAD7, 1},   {0xFB13, 0xFB4F, 3},   {0xFBDD, 0xFDF9, 5},
    {0xFDFA, 0xFDFA, 30},  {0xFDFB, 0xFDFB, 12},  {0xFDFC, 0xFDFC, 5},   {0xFE20, 0xFE2F, 2},
    {0xFE71, 0xFE7F, 1},   {0xFEF5, 0xFEFC, 1},   {0x10000, 0x1CFFF, 2}, {0x1D15E, 0x1D1C0, 8},
    {0x1D242, 0x1EFFF, 2}, {0x1F12A, 0x1F248, 5},
};

#define RANGE_COUNT (sizeof(ranges) / sizeof(ranges[0]))

static uint32_t growth_of(uint32_t character)
{
    size_t low = 0, high = RANGE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character > ranges[middle].to)
            low = middle + 1;
        else if (character < ranges[middle].from)
            high = middle;
        else
            return ranges[middle].growth;
    }
    return 0;
}

/* The character that begins at a byte from 0x80; *at moves past it. */
static uint32_t next_character(struct span text, size_t *at)
{
    unsigned char first = (unsigned char)text.ptr[*at];
    size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    uint32_t character = first & (0x3Fu >> more);
    (*at)++;
    for (; more > 0 && *at < text.len; more--)
        character = character << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3Fu);
    return character;
}

static uint32_t hex_digit(char c)
{
    return c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
}

static uint32_t code_unit(const char *escape)
{
    uint32_t unit = 0;
    for (size_t i = 2; i < ESCAPE_SIZE; i++)
        unit = unit << 4 | hex_digit(escape[i]);
    return unit;
}

/* What a backslash begins: the character of "\uXXXX", or of two of them; else 0. */
static uint32_t next_escape(struct span text, size_t *at)
{
    const char *escape = text.ptr + *at;
    if (*at + ESCAPE_SIZE > text.len || escape[1] != 'u') {
        *at += 2;
        return 0;
    }
    uint32_t unit = code_unit(escape);
    *at += ESCAPE_SIZE;
    if (unit < 0xD800 || unit > 0xDBFF || *at + ESCAPE_SIZE > text.len)
        return unit;
    uint32_t low = code_unit(text.ptr + *at);
    *at += ESCAPE_SIZE;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Whether eight bytes hold none that could begin something that grows: all ASCII, no backslash. */
static bool is_plain(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    uint64_t backslashes = word ^ EACH_BYTE('\\');
    uint64_t found =
        (backslashes - EACH_BYTE(0x01)) & ~backslashes; /* high bits where one is zero */
    return ((word | found) & EACH_BYTE(0x80)) == 0;
}

uint64_t bound_text_growth(struct span text)
{
    uint64_t growth = 0;
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= sizeof(uint64_t) && is_plain(text.ptr + at)) {
            at += sizeof(uint64_t);
            continue;
        }
        char byte = text.ptr[at];
        if (byte == '\\')
            growth += growth_of(next_escape(text, &at));
        else if ((byte & 0x80) != 0)
            growth += growth_of(next_character(text, &at));
        else
            at++;
    }
    return growth;
}
