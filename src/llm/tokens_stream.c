/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting what comes in parts. Two neighbours tell of a place where every grammar ends a piece, and
 * where the text before it is cut as if it ended there, whatever came before and whatever follows:
 *
 *   anything but a space, then a space that is no newline                   "word| next"
 *   a letter, then a symbol that is no apostrophe                           "词|。", "word|,"
 *   a number, then anything but a number or a mark                          "1|a", "1|."
 *   anything but a number or a space, then a number                         "a|1", "$|1"
 *
 * (Contractions begin with an apostrophe. None of the second characters combines with what is before
 * it, so normalising changes nothing across such a place either.) What comes before the last such
 * place is counted and forgotten; the rest is held. What is held always begins where a piece does.
 */
#include "tokens_class.h"
#include "tokens_private.h"
#include "tokens_split.h"
#include "tokens_utf8.h"

#include "base/memory.h"

#include <stdlib.h>

/* Parts are taken in slices, so that what is held stays small whatever comes at once. */
#define SLICE_MAX ((size_t)16 * 1024)

/* From a forced cut to the end of what is held: more than a contraction can reach. */
#define FORCED_MARGIN ((size_t)64)

void token_stream_init(struct token_stream *stream, const struct tokenizer *tokenizer)
{
    *stream = (struct token_stream){.tokenizer = tokenizer};
}

void token_stream_fini(struct token_stream *stream)
{
    free(stream->held);
    *stream = (struct token_stream){0};
}

static bool is_cut(struct character before, struct character after)
{
    /* What a run of spaces is cut into depends on what follows. */
    if (before.set & SET_SPACES)
        return false;
    if (before.set == SET(CLASS_NUMBER))
        return (after.set & (SET(CLASS_NUMBER) | SET(CLASS_MARK))) == 0;
    return (after.set & (SET(CLASS_NUMBER) | SET(CLASS_SPACE))) != 0 ||
           (after.set == SET(CLASS_SYMBOL) && (before.set & SET_LETTERS) != 0 &&
            after.code != '\'');
}

/* The character that ends at `at`; of no class, and of all bytes that may belong to it, where that is
 * none. */
static struct character read_back(struct span text, size_t at)
{
    size_t len = 1;
    while (len < at && len < 4 && ((unsigned char)text.ptr[at - len] & 0xC0) == 0x80)
        len++;
    struct span bytes = span_make(text.ptr + at - len, len);
    return utf8_first_len(bytes) == len ? character_at(bytes.ptr)
                                        : (struct character){0, (unsigned)len, 0};
}

/* The last place to cut after `from`; 0 where there is none. */
static size_t last_cut(struct span text, size_t from)
{
    size_t at = utf8_whole_len(text);
    struct character after = {0, 0, 0};
    while (at > from) {
        struct character c = read_back(text, at);
        if (after.set != 0 && is_cut(c, after))
            return at;
        after = c;
        at -= c.len;
    }
    return 0;
}

/* Where to cut what has become too long: at the end of a piece if it has several, else anywhere. */
static size_t forced_cut(enum token_grammar grammar, struct span text)
{
    size_t cut = 0;
    const char *end = text.ptr + text.len;
    if (utf8_is_valid(text)) {
        for (const char *at = split_piece(grammar, text.ptr, end);
             end - at > (ptrdiff_t)FORCED_MARGIN; at = split_piece(grammar, at, end))
            cut = (size_t)(at - text.ptr);
    }
    return cut > 0 ? cut : text.len;
}

static void append(struct token_stream *stream, struct span slice)
{
    if (stream->held_room - stream->held_len < slice.len) {
        stream->held_room = stream->held_len * 2 + slice.len;
        stream->held = memory_resize(stream->held, stream->held_room, 1);
    }
    memcpy(stream->held + stream->held_len, slice.ptr, slice.len);
    stream->held_len += slice.len;
}

/* Counts what is held before `cut`. */
static void settle(struct token_stream *stream, struct token_cache *cache, size_t cut)
{
    stream->counted += tokens_count(stream->tokenizer, cache, span_make(stream->held, cut));
    stream->held_len -= cut;
    memmove(stream->held, stream->held + cut, stream->held_len);
}

static void feed_slice(struct token_stream *stream, struct token_cache *cache, struct span slice)
{
    /* A character that was not whole may be the second of a cut now. */
    size_t from = stream->held_len > 4 ? stream->held_len - 4 : 0;
    append(stream, slice);
    struct span held = span_make(stream->held, stream->held_len);
    size_t cut = last_cut(held, from);
    if (cut == 0 && held.len > TOKEN_STREAM_MAX)
        cut = forced_cut(stream->tokenizer->grammar, span_make(held.ptr, utf8_whole_len(held)));
    if (cut > 0)
        settle(stream, cache, cut);
}

void token_stream_feed(struct token_stream *stream, struct token_cache *cache, struct span part)
{
    while (part.len > 0) {
        size_t size = part.len < SLICE_MAX ? part.len : SLICE_MAX;
        feed_slice(stream, cache, span_make(part.ptr, size));
        part = span_from(part, size);
    }
}

int64_t token_stream_total(const struct token_stream *stream, struct token_cache *cache)
{
    return stream->counted +
           tokens_count(stream->tokenizer, cache, span_make(stream->held, stream->held_len));
}
