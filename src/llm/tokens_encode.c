/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding: the ids of a text's tokens, in order. Not for the hot path: no cache. */
#include "tokens_private.h"
#include "tokens_split.h"
#include "tokens_text.h"

#include "base/memory.h"

#include <stdlib.h>

#define SMALL_PIECE 256

struct encoder {
    const struct tokenizer *tokenizer;
    uint32_t *ids;
    size_t room;
    size_t count; /* may be over `room` */
};

static void put(struct encoder *encoder, const uint32_t *tokens, size_t count)
{
    const uint32_t *ranks = encoder->tokenizer->ranks;
    for (size_t i = 0; i < count && encoder->count + i < encoder->room; i++)
        encoder->ids[encoder->count + i] = ranks != NULL ? ranks[tokens[i]] : tokens[i];
    encoder->count += count;
}

static void put_piece(struct encoder *encoder, struct span piece)
{
    const struct vocabulary *vocabulary = &encoder->tokenizer->vocabulary;
    uint32_t small[SMALL_PIECE];
    uint32_t whole = vocabulary_find_unmade(vocabulary, piece);
    if (whole != TOKEN_NONE) {
        put(encoder, &whole, 1);
        return;
    }
    uint32_t *tokens =
        piece.len <= SMALL_PIECE ? small : memory_array(piece.len, sizeof(tokens[0]));
    put(encoder, tokens, bpe_encode(vocabulary, piece, tokens));
    if (tokens != small)
        free(tokens);
}

static void put_text(struct encoder *encoder, struct span text)
{
    const char *end = text.ptr + text.len;
    for (const char *at = text.ptr; at < end;) {
        const char *next = split_piece(encoder->tokenizer->grammar, at, end);
        put_piece(encoder, span_make(at, (size_t)(next - at)));
        at = next;
    }
}

size_t tokens_encode(const struct tokenizer *tokenizer, struct span text, uint32_t *ids,
                     size_t room)
{
    struct encoder encoder = {tokenizer, ids, room, 0};
    if (text.len == 0)
        return 0;
    struct span ready;
    char *made;
    if (text_prepare(tokenizer->grammar, text, &ready, &made))
        put_text(&encoder, ready);
    free(made);
    return encoder.count;
}
