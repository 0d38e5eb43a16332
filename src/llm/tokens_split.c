/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the regular expressions of the grammars match, by hand: one look at the first character says
 * which alternative can match, and a scan forward finds its end. The expressions:
 *
 *   cl100k    '(?i:[sdmt]|ll|ve|re) | [^\r\n\p{L}\p{N}]?+\p{L}++ | \p{N}{1,3}+ |
 *             ?[^\s\p{L}\p{N}]++[\r\n]*+ | \s++$ | \s*[\r\n] | \s+(?!\S) | \s
 *   llama3    the same without \s++$;  qwen: and one digit a piece
 *   o200k     [^\r\n\p{L}\p{N}]?U*W+(?i:'s|'t|'re|'ve|'m|'ll|'d)? | [^\r\n\p{L}\p{N}]?U+W*(…)? |
 *             \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
 *             where U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and W is [\p{Ll}\p{Lm}\p{Lo}\p{M}]
 *   tekken    the same without (…)?, and one digit a piece
 *   deepseek  tokens_split_deepseek.c
 *
 * No scan goes back over text and no piece scans past its end by more than one run of upper case
 * letters, of which a piece takes all or ends at its last mark or caseless letter: linear in all.
 */
#include "tokens_split.h"

#include "tokens_class.h"
#include "tokens_split_private.h"

#include <stdbool.h>
#include <string.h>

/* [^\r\n\p{L}\p{N}]: what a word may begin with. */
#define SET_PREFIX (SET_OTHERS | SET(CLASS_SPACE))

static const char *skip_numbers(const char *at, const char *end, int most)
{
    for (; most > 0; most--) {
        struct character c = character_peek(at, end);
        if (c.set != SET(CLASS_NUMBER))
            break;
        at += c.len;
    }
    return at;
}

static bool is_letter(char c, char lower)
{
    return (c | 0x20) == lower;
}

/* The end of 's 't 'm 'd 'll 've 're at `at`, in upper case too; `at` where there is none. */
static const char *skip_contraction(const char *at, const char *end)
{
    if (end - at < 2 || at[0] != '\'')
        return at;
    if (is_letter(at[1], 's') || is_letter(at[1], 't') || is_letter(at[1], 'm') ||
        is_letter(at[1], 'd'))
        return at + 2;
    if (end - at < 3)
        return at;
    if ((is_letter(at[1], 'l') && is_letter(at[2], 'l')) ||
        ((is_letter(at[1], 'v') || is_letter(at[1], 'r')) && is_letter(at[2], 'e')))
        return at + 3;
    /* U+017F, the long s, is an s without case. */
    return memcmp(at + 1, "\xC5\xBF", 2) == 0 ? at + 3 : at;
}

/* A run of \s that begins at `at`: where it ends, and what of it is the first piece. */
static const char *space_piece(const char *at, const char *end, bool whole_at_end)
{
    const char *after_newline = NULL;
    const char *last = at;
    const char *stop = at;
    while (stop < end) {
        struct character c = character_at(stop);
        if ((c.set & SET_SPACES) == 0)
            break;
        last = stop;
        stop += c.len;
        if (c.set == SET(CLASS_NEWLINE))
            after_newline = stop;
    }
    if (stop == end && (whole_at_end || after_newline == NULL))
        return stop;
    if (after_newline != NULL)
        return after_newline;
    /* The last space goes with what follows. */
    return last > at ? last : stop;
}

/* ---- cl100k, llama3, qwen ---- */

static inline const char *piece_cl100k(const char *at, const char *end, int digits,
                                       bool whole_at_end)
{
    struct character first = character_at(at);
    const char *next = at + first.len;
    if (first.set & SET_LETTERS)
        return skip_set(next, end, SET_LETTERS);
    if (first.set == SET(CLASS_NUMBER))
        return skip_numbers(next, end, digits - 1);
    if (first.set == SET(CLASS_NEWLINE))
        return space_piece(at, end, whole_at_end);
    const char *contraction = skip_contraction(at, end);
    if (contraction != at)
        return contraction;
    struct character second = character_peek(next, end);
    if (second.set & SET_LETTERS)
        return skip_set(next + second.len, end, SET_LETTERS);
    if (first.set & SET_OTHERS || (first.code == ' ' && second.set & SET_OTHERS)) {
        next = skip_set(next, end, SET_OTHERS);
        return skip_set(next, end, SET(CLASS_NEWLINE));
    }
    return space_piece(at, end, whole_at_end);
}

/* ---- o200k, tekken ---- */

#define SET_CASELESS (SET(CLASS_LETTER) | SET(CLASS_MARK))
#define SET_U        (SET(CLASS_UPPER) | SET_CASELESS)
#define SET_W        (SET(CLASS_LOWER) | SET_CASELESS)

/* U*W+ at `at`, or NULL. *uppers: the end of U+, `at` where there is none. */
static inline const char *word_end(const char *at, const char *end, const char **uppers)
{
    const char *caseless = NULL; /* after the last one */
    struct character c = character_peek(at, end);
    for (; c.set & SET_U; c = character_peek(at, end)) {
        at += c.len;
        if (c.set & SET_CASELESS)
            caseless = at;
    }
    *uppers = at;
    if (c.set == SET(CLASS_LOWER))
        return skip_set(at + c.len, end, SET_W);
    /* No W after them all: U* gives back up to the last of them that is a W too. */
    return caseless;
}

/* The first two alternatives, without the contraction; NULL where neither matches. */
static inline const char *word_piece(const char *at, const char *end, struct character first)
{
    const char *uppers;
    const char *body = first.set & SET_PREFIX ? at + first.len : at;
    const char *stop = word_end(body, end, &uppers);
    if (stop != NULL)
        return stop;
    /* A mark that cannot be the beginning of a word is one. */
    if (first.set == SET(CLASS_MARK))
        return body;
    return uppers > body ? uppers : NULL;
}

static inline const char *piece_o200k(const char *at, const char *end, int digits,
                                      bool contractions)
{
    struct character first = character_at(at);
    if (first.set == SET(CLASS_NUMBER))
        return skip_numbers(at + first.len, end, digits - 1);
    if (first.set == SET(CLASS_NEWLINE))
        return space_piece(at, end, false);
    const char *word = word_piece(at, end, first);
    if (word != NULL)
        return contractions ? skip_contraction(word, end) : word;
    const char *next = at + first.len;
    if (first.set & SET_OTHERS ||
        (first.code == ' ' && character_peek(next, end).set & SET_OTHERS)) {
        next = skip_set(next, end, SET_OTHERS);
        while (next < end && (*next == '\r' || *next == '\n' || *next == '/'))
            next++;
        return next;
    }
    return space_piece(at, end, false);
}

const char *split_piece(enum token_grammar grammar, const char *at, const char *end)
{
    switch (grammar) {
    case GRAMMAR_CL100K:
        return piece_cl100k(at, end, 3, true);
    case GRAMMAR_LLAMA3:
        return piece_cl100k(at, end, 3, false);
    case GRAMMAR_QWEN:
        return piece_cl100k(at, end, 1, false);
    case GRAMMAR_O200K:
        return piece_o200k(at, end, 3, true);
    case GRAMMAR_TEKKEN:
        return piece_o200k(at, end, 1, false);
    case GRAMMAR_DEEPSEEK:
    case GRAMMAR_COUNT:
        break;
    }
    return split_piece_deepseek(at, end);
}
