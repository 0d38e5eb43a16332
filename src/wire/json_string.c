/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of JSON texts. Nearly all bytes of a request lie inside them, so runs of plain ASCII are
 * passed sixteen or eight bytes at a time; UTF-8 is looked at only where a high bit is set (the
 * well-formed sequences are those of Unicode's table 3-7), and by blocks where it goes on for long.
 */
#include "json_block.h"
#include "json_text.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- plain bytes: neither quote nor backslash, control or high bit ---- */

static bool is_plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

/* Whether any of the eight bytes at `at` is not plain. Borrows between bytes can only add a mark
 * above a true one, so "none" is exact. */
static bool any_special(const char *at)
{
    const uint64_t ones = 0x0101010101010101U;
    const uint64_t highs = 0x8080808080808080U;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    uint64_t quote = bytes ^ ones * '"';
    uint64_t backslash = bytes ^ ones * '\\';
    uint64_t marks = bytes | (bytes - ones * 0x20) | (quote - ones) | (backslash - ones);
    return (marks & highs) != 0;
}

#ifdef __SSE2__
#define BLOCK 16

/* A bit for each of the sixteen bytes at `at` that is not plain. */
static unsigned special_mask(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    /* Signed: less than a space is a control character or a byte with its high bit set. */
    __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others));
}
#endif

/* The first byte at or after `at` that is not plain, or `end`. */
static const char *skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= BLOCK; at += BLOCK) {
        unsigned mask = special_mask(at);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
#endif
    while (end - at >= 8 && !any_special(at))
        at += 8;
    while (at < end && is_plain(*at))
        at++;
    return at;
}

/* ---- UTF-8 ---- */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The length of the well-formed sequence at `at`, whose first byte has its high bit set; 0 if
 * none. */
static size_t utf8_length(const char *at, const char *end)
{
    unsigned char first = (unsigned char)at[0];
    ptrdiff_t left = end - at;
    if (first < 0xC2 || left < 2 || !is_continuation(at[1]))
        return 0;
    unsigned char second = (unsigned char)at[1];
    if (first < 0xE0)
        return 2;
    if (left < 3 || !is_continuation(at[2]))
        return 0;
    if (first < 0xF0) {
        /* Overlong below U+0800; surrogates. */
        bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F);
        return bad ? 0 : 3;
    }
    /* Overlong below U+10000; beyond U+10FFFF. */
    bool bad = first > 0xF4 || (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad || left < 4 || !is_continuation(at[3]) ? 0 : 4;
}

/* `code` is no surrogate and at most U+10FFFF: what unicode_escape gives. */
static size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

#ifdef JSON_BLOCK
/* Passes text in any script from the beginning of a character at `at`: up to a quote, a backslash or a
 * control character, to a block of nothing but ASCII, or to the beginning of a character at most a
 * block before something that is no UTF-8, or the end. */
JSON_BLOCK_CODE static const char *pass_scripts(const char *at, const char *end)
{
    const char *begin = at;
    __m128i before = _mm_setzero_si128();
    for (; end - at >= JSON_BLOCK; at += JSON_BLOCK) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        if (!json_block_is_utf8(block, before))
            break;
        unsigned marks = json_block_marks(block);
        if (marks != 0)
            return at + __builtin_ctz(marks);
        if (_mm_movemask_epi8(_mm_or_si128(block, before)) == 0)
            return at;
        before = block;
    }
    /* Back to the beginning of the character that a block's end has cut. */
    const char *cut = at;
    while (cut > begin && at - cut < 4 && is_continuation(cut[-1]))
        cut--;
    return cut > begin && (unsigned char)cut[-1] >= 0xC0 ? cut - 1 : at;
}
#endif

/* ---- escapes ---- */

/* One more than the value of a hex digit; 0 for other bytes. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

/* What the letter after a backslash stands for; 0 when it is none of RFC 8259's. */
static const char escape_letters[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                         ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* The value of the four hex digits at `at`, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int32_t digit = hex_digits[(unsigned char)at[i]] - 1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The character that "\uXXXX", or two of them, at `at` stand for, and how many bytes they take; -1
 * with *what. */
static int32_t unicode_escape(const char *at, const char *end, size_t *size, const char **what)
{
    int32_t code = hex4(at + 2, end);
    *size = 6;
    *what = "malformed escape";
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    *what = "lone surrogate";
    if (code > 0xDBFF || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return -1;
    int32_t low = hex4(at + 8, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *size = 12;
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/* The end of the escape at `at`; NULL with *what. */
static const char *escape_end(const char *at, const char *end, const char **what)
{
    size_t size = 2;
    *what = "malformed escape";
    if (end - at < 2)
        return NULL;
    if (at[1] != 'u')
        return escape_letters[(unsigned char)at[1]] != 0 ? at + size : NULL;
    int32_t code = unicode_escape(at, end, &size, what);
    if (code == 0)
        *what = "NUL in a string";
    return code > 0 ? at + size : NULL;
}

/* ---- strings ---- */

static const char *wrong(struct json_where *where, const char *at, const char *what)
{
    *where = (struct json_where){at, what};
    return NULL;
}

/* The end of the escape, or of the run of UTF-8 sequences, at `at`; NULL, with *where, when it is
 * neither. */
static const char *take_special(const char *at, const char *end, bool *escaped,
                                struct json_where *where)
{
    if (*at == '\\') {
        const char *what;
        const char *next = escape_end(at, end, &what);
        *escaped = true;
        return next != NULL ? next : wrong(where, at, what);
    }
    if ((unsigned char)*at < 0x20)
        return wrong(where, at, "control character in a string");
#ifdef JSON_BLOCK
    if (json_block_usable())
        at = pass_scripts(at, end);
#endif
    /* Other scripts come in runs. */
    while (at < end && (unsigned char)*at >= 0x80) {
        size_t size = utf8_length(at, end);
        if (size == 0)
            return wrong(where, at, "malformed UTF-8");
        at += size;
    }
    return at;
}

#ifdef __SSE2__
/* Passes blocks up to the closing quote, or until less than a block is left. The special bytes of
 * a block are taken off one mask: where they are many, loading a block for each costs most. NULL,
 * with *where, as json_string_end. */
static const char *pass_blocks(const char *at, const char *end, bool *escaped,
                               struct json_where *where)
{
    while (end - at >= BLOCK) {
        unsigned mask = special_mask(at);
        const char *next = at + BLOCK;
        while (mask != 0) {
            const char *special = at + __builtin_ctz(mask);
            if (*special == '"')
                return special;
            const char *after = take_special(special, end, escaped, where);
            if (after == NULL)
                return NULL;
            if (after >= at + BLOCK) {
                next = after;
                break;
            }
            mask &= ~0U << (after - at);
        }
        at = next;
    }
    return at;
}
#endif

/* The last bytes of a text are too few for a block; there, and where there are no blocks, runs and
 * special bytes take turns. */
const char *json_string_end(const char *at, const char *end, bool *escaped,
                            struct json_where *where)
{
    *escaped = false;
#ifdef __SSE2__
    at = pass_blocks(at, end, escaped, where);
#endif
    while (at != NULL && at < end && *at != '"') {
        const char *plain_end = skip_plain(at, end);
        at = plain_end > at ? plain_end : take_special(at, end, escaped, where);
    }
    return at != end ? at : wrong(where, at, "unterminated string");
}

/* Only quotes and backslashes matter now, and the byte after a backslash never ends a string. */
const char *json_string_skip(const char *at, const char *end)
{
    while (at < end && *at != '"') {
        const char *next = skip_plain(at, end);
        if (next > at)
            at = next;
        else
            at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
    return at;
}

/* Decodes the escape at `at`; returns its end. One that the strict pass would refuse gives
 * nothing. */
static const char *unescape(const char *at, const char *end, char **to)
{
    if (at[1] != 'u') {
        *(*to)++ = escape_letters[(unsigned char)at[1]];
        return at + 2;
    }
    size_t size;
    const char *what;
    int32_t code = unicode_escape(at, end, &size, &what);
    if (code < 0)
        return at + 2;
    *to += utf8_encode((uint32_t)code, *to);
    return at + size;
}

/* An escape is never shorter than what it stands for, so raw.len bytes are enough. */
size_t json_unescape(struct span raw, char *out)
{
    const char *at = raw.ptr;
    const char *end = raw.ptr + raw.len;
    char *to = out;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        const char *stop = backslash != NULL ? backslash : end;
        memcpy(to, at, (size_t)(stop - at));
        to += stop - at;
        if (end - stop < 2)
            break;
        at = unescape(stop, end, &to);
    }
    return (size_t)(to - out);
}
