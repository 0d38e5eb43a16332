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
 * To the third, what the first two have cut out, or left, is a text of its own: it sees an end where a
 * run of their characters begins or ends. What none matches (control characters, say) is a piece up to
 * the next match.
 */
#include "tokens_class.h"
#include "tokens_split_private.h"

#include <stdbool.h>
#include <string.h>

#define SET_WORD   (SET_LETTERS | SET(CLASS_MARK))
#define SET_PREFIX (SET(CLASS_MARK) | SET(CLASS_SPACE) | SET(CLASS_OTHER))

/* A text of the third stage: up to `end`, to a number, or to a character that is of the second
 * stage's where this one is not. */
struct part {
    const char *end;
    bool east_asian;
};

static bool is_east_asian(uint32_t code)
{
    return (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
}

static struct character part_peek(const struct part *part, const char *at)
{
    struct character c = character_peek(at, part->end);
    if (c.set == SET(CLASS_NUMBER) || is_east_asian(c.code) != part->east_asian)
        c.set = 0;
    return c;
}

static const char *skip_in(const struct part *part, const char *at, unsigned set)
{
    struct character c = part_peek(part, at);
    for (; c.set & set; c = part_peek(part, at))
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
static const char *gap(const struct part *part, const char *at)
{
    const char *last = at;
    struct character c = part_peek(part, at);
    for (; c.set == SET(CLASS_OTHER); c = part_peek(part, at)) {
        last = at;
        at += c.len;
    }
    return c.set & SET_WORD ? last : at;
}

static const char *spaces(const struct part *part, const char *at)
{
    const char *after_newline = NULL;
    const char *start = at;
    const char *last = at;
    struct character c = part_peek(part, at);
    for (; c.set & SET_SPACES; c = part_peek(part, at)) {
        last = at;
        at += c.len;
        if (c.set == SET(CLASS_NEWLINE))
            after_newline = at;
    }
    if (after_newline != NULL)
        return after_newline;
    return c.set == 0 || last == start ? at : last;
}

static const char *third_stage(const struct part *part, const char *at, struct character first)
{
    const char *next = at + first.len;
    unsigned second = part_peek(part, next).set;
    if (first.set == SET(CLASS_SYMBOL)) {
        const char *letters = skip_ascii_letters(next, part->end);
        if (first.code < 0x80 && letters > next)
            return letters;
    }
    if (first.set & SET_WORD || (first.set & SET_PREFIX && second & SET_WORD))
        return skip_in(part, next, SET_WORD);
    if (first.set == SET(CLASS_SYMBOL) || (first.code == ' ' && second == SET(CLASS_SYMBOL)))
        return skip_in(part, skip_in(part, next, SET(CLASS_SYMBOL)), SET(CLASS_NEWLINE));
    return first.set == SET(CLASS_OTHER) ? gap(part, at) : spaces(part, at);
}

const char *split_piece_deepseek(const char *at, const char *end)
{
    struct character first = character_at(at);
    if (first.set != SET(CLASS_NUMBER)) {
        struct part part = {end, is_east_asian(first.code)};
        return third_stage(&part, at, first);
    }
    struct character c = first;
    for (int digits = 0; digits < 3 && c.set == SET(CLASS_NUMBER); digits++) {
        at += c.len;
        c = character_peek(at, end);
    }
    return at;
}
