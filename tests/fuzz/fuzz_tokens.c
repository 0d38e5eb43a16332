/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are counted as they are encoded, whole and in parts, by each grammar; and as a rank file
 * they are refused with a reason, or make a tokenizer of which the same is true.
 */
#include "fuzz.h"

#include "llm/tokens.h"

#include <stdio.h>

static int64_t count_parts(const struct tokenizer *tokenizer, struct token_cache *cache,
                           struct span text, enum fuzz_cut cut)
{
    struct token_stream stream;
    struct fuzz_chance chance = fuzz_chance_of(text);
    token_stream_init(&stream, tokenizer);
    while (text.len > 0) {
        struct span piece = fuzz_piece(&text, cut, &chance);
        token_stream_feed(&stream, cache, piece);
        free((char *)(uintptr_t)piece.ptr);
    }
    int64_t total = token_stream_total(&stream, cache);
    token_stream_fini(&stream);
    return total;
}

static void check_counts(const struct tokenizer *tokenizer, struct span text)
{
    struct token_cache *cache = token_cache_new(64);
    int64_t count = tokens_count(tokenizer, NULL, text);
    FUZZ_CHECK((size_t)count == tokens_encode(tokenizer, text, NULL, 0));
    FUZZ_CHECK(count >= (text.len > 0 ? 1 : 0) && (size_t)count <= text.len * 3);
    /* Twice: the second time from the cache. */
    FUZZ_CHECK(tokens_count(tokenizer, cache, text) == count);
    FUZZ_CHECK(tokens_count(tokenizer, cache, text) == count);
    int64_t limit = count / 2;
    FUZZ_CHECK(tokens_count_until(tokenizer, cache, text, limit) > limit || count <= limit);
    FUZZ_CHECK(tokens_count_until(tokenizer, cache, text, count) == count);
    /* A piece that is too long to be held may be cut. */
    for (enum fuzz_cut cut = FUZZ_WHOLE; cut < FUZZ_CUTS && text.len < TOKEN_STREAM_MAX; cut++)
        FUZZ_CHECK(count_parts(tokenizer, cache, text, cut) == count);
    token_cache_free(&cache);
}

/* The input after the 256 lines that a rank file must have. */
static void check_ranks(struct span input, enum token_grammar grammar)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char why[128] = "";
    struct buf text;
    buf_init(&text, FUZZ_ROOM, 0);
    for (int byte = 0; byte < 256; byte++)
        FUZZ_CHECK(
            buf_printf(&text, "%c%c== %d\n", digits[byte >> 2], digits[(byte & 3) << 4], byte));
    buf_append(&text, input);
    struct tokenizer *tokenizer = tokenizer_new(buf_span(&text), grammar, why);
    FUZZ_CHECK((tokenizer == NULL) == (why[0] != '\0'));
    if (tokenizer != NULL) {
        check_counts(tokenizer, input);
        /* Words of what the tokens may be of. */
        check_counts(tokenizer, SPAN("abc aab abcab \xE4\xB8\xAD\xE6\x96\x87 re\xCC\x81 12345"));
    }
    tokenizer_unref(&tokenizer);
    buf_fini(&text);
}

void fuzz_tokens(struct span input)
{
    char why[128] = "";
    struct fuzz_chance chance = fuzz_chance_of(input);
    enum token_grammar grammar = (enum token_grammar)fuzz_below(&chance, GRAMMAR_COUNT);
    check_counts(tokenizer_builtin(ENCODING_CL100K_BASE), input);
    check_counts(tokenizer_builtin(ENCODING_O200K_BASE), input);
    struct tokenizer *tokenizer = tokenizer_new(input, grammar, why);
    FUZZ_CHECK((tokenizer == NULL) == (why[0] != '\0'));
    tokenizer_unref(&tokenizer);
    check_ranks(input, grammar);
}
