/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeepSeek's splitter has three stages, each of which cuts what the one before left over:
 *
 *   1. \p{N}{1,3}
 *   2. [一-龥぀-ゟ゠-ヿ]+                                  (U+4E00..9FA5, U+3040..30FF)
 *   3. [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ |
 *      ?[\p{P}\p{S}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
 *
 * To the third, a character of the first two is the end of the text. What none matches (control
 * characters, say) is a piece up to the next match.
 */
#include "tokens_class.h"
#include "tokens_split_private.h"

#include <stdbool.h>
#include <string.h>

#define SET_WORD   (SET_LETTERS | SET(CLASS_MARK))
#define SET_PREFIX (SET(CLASS_MARK) | SET(CLASS_SPACE) | SET(CLASS_OTHER))

static bool is_east_asian(uint32_t code)
{
    return (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
}

/* A character as the third stage sees it. */
static struct character third_peek(const char *at, const char *end)
{
    struct character c = character_peek(at, end);
    if (c.set == SET(CLASS_NUMBER) || is_east_asian(c.code))
        c.set = 0;
    return c;
}

static const char *skip_third(const char *at, const char *end, unsigned set)
{
    for (struct character c = third_peek(at, end); c.set & set; c = third_peek(at, end))
        at += c.len;
    return at;
}

static const char *skip_ascii_letters(const char *at, const char *end)
{
    while (at < end && ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z'))
        at++;
    return at;
}

/* Characters that nothing matches, but for a last one that begins a word. */
static const char *gap(const char *at, const char *end)
{
    const char *last = at;
    struct character c = third_peek(at, end);
    for (; c.set == SET(CLASS_OTHER); c = third_peek(at, end)) {
        last = at;
        at += c.len;
    }
    return c.set & SET_WORD ? last : at;
}

static const char *spaces(const char *at, const char *end)
{
    const char *after_newline = NULL;
    const char *start = at;
    const char *last = at;
    struct character c = third_peek(at, end);
    for (; c.set & SET_SPACES; c = third_peek(at, end)) {
        last = at;
        at += c.len;
        if (c.set == SET(CLASS_NEWLINE))
            after_newline = at;
    }
    if (after_newline != NULL)
        return after_newline;
    return c.set == 0 || last == start ? at : last;
}

static const char *third_stage(const char *at, const char *end, struct character first)
{
    const char *next = at + first.len;
    struct character second = third_peek(next, end);
    if (first.set == SET(CLASS_SYMBOL)) {
        const char *letters = skip_ascii_letters(next, end);
        if (first.code < 0x80 && letters > next)
            return letters;
    }
    if (first.set & SET_WORD || (first.set & SET_PREFIX && second.set & SET_WORD))
        return skip_third(next, end, SET_WORD);
    if (first.set == SET(CLASS_SYMBOL) || (first.code == ' ' && second.set == SET(CLASS_SYMBOL)))
        return skip_third(skip_third(next, end, SET(CLASS_SYMBOL)), end, SET(CLASS_NEWLINE));
    return first.set == SET(CLASS_OTHER) ? gap(at, end) : spaces(at, end);
}

const char *split_piece_deepseek(const char *at, const char *end)
{
    struct character first = character_at(at);
    if (first.set == SET(CLASS_NUMBER)) {
        struct character c = first;
        for (int digits = 0; digits < 3 && c.set == SET(CLASS_NUMBER); digits++) {
            at += c.len;
            c = character_peek(at, end);
        }
        return at;
    }
    if (is_east_asian(first.code)) {
        /* (A number is never one of them: stage 1 would have cut it out.) */
        while (is_east_asian(first.code)) {
            at += first.len;
            first = character_peek(at, end);
        }
        return at;
    }
    return third_stage(at, end, first);
}
