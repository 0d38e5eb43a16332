/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes of characters that grammars speak of, by Unicode 16.0. One table in two stages
 * (share/unicode/classes.bin, written by scripts/make_unicode.py): 256 code points share a block.
 *
 * Text here is UTF-8 that has been checked (tokens_utf8.h): a lead byte has its followers.
 */
#ifndef LLM_TOKENS_CLASS_H
#define LLM_TOKENS_CLASS_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are those in the table. */
enum char_class {
    CLASS_OTHER,   /* control, format, private, unassigned */
    CLASS_SYMBOL,  /* \p{P} \p{S} */
    CLASS_MARK,    /* \p{M} */
    CLASS_NUMBER,  /* \p{N} */
    CLASS_SPACE,   /* \s (White_Space) but CR and LF */
    CLASS_NEWLINE, /* CR, LF */
    CLASS_UPPER,   /* \p{Lu} \p{Lt} */
    CLASS_LOWER,   /* \p{Ll} */
    CLASS_LETTER,  /* \p{Lm} \p{Lo} */
};

/* Sets of classes. */
#define SET(CLASS)  (1U << (CLASS))
#define SET_LETTERS (SET(CLASS_UPPER) | SET(CLASS_LOWER) | SET(CLASS_LETTER))
#define SET_SPACES  (SET(CLASS_SPACE) | SET(CLASS_NEWLINE))
/* [^\s\p{L}\p{N}] */
#define SET_OTHERS (SET(CLASS_OTHER) | SET(CLASS_SYMBOL) | SET(CLASS_MARK))

#define CLASS_INDEX_SIZE 4352

extern const unsigned char tokens_unicode_classes[];

/* A character: how long it is, what it is. */
struct character {
    uint32_t code;
    unsigned len;
    unsigned set; /* its class, as a set of one */
};

static inline unsigned class_of(uint32_t code)
{
    return tokens_unicode_classes[CLASS_INDEX_SIZE + tokens_unicode_classes[code >> 8] * 256U +
                                  (code & 255)];
}

static inline struct character character_at(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    uint32_t code = bytes[0];
    /* The first block is the first that is numbered. */
    if (code < 0x80)
        return (struct character){code, 1, SET(tokens_unicode_classes[CLASS_INDEX_SIZE + code])};
    unsigned len = code < 0xE0 ? 2 : code < 0xF0 ? 3 : 4;
    if (len == 2)
        code = (code & 31) << 6 | (bytes[1] & 63U);
    else if (len == 3)
        code = (code & 15) << 12 | (bytes[1] & 63U) << 6 | (bytes[2] & 63U);
    else
        code = (code & 7) << 18 | (bytes[1] & 63U) << 12 | (bytes[2] & 63U) << 6 | (bytes[3] & 63U);
    return (struct character){code, len, SET(class_of(code))};
}

/* The same, and a character of no class at the end of the text. */
static inline struct character character_peek(const char *at, const char *end)
{
    return at < end ? character_at(at) : (struct character){0, 0, 0};
}

/* Past all characters of the set. */
static inline const char *skip_set(const char *at, const char *end, unsigned set)
{
    while (at < end) {
        struct character c = character_at(at);
        if ((c.set & set) == 0)
            break;
        at += c.len;
    }
    return at;
}

#endif
