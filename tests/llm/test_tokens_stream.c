/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A text in parts counts what the whole counts: cut anywhere, for all grammars, while little is held. */
#include "tokens_support.h"

#include "tokens_private.h"

struct setting {
    const struct tokenizer *tokenizer;
    struct token_cache *cache;
};

static int64_t count_in_two(const struct setting *setting, struct span text, size_t cut)
{
    struct token_stream stream;
    token_stream_init(&stream, setting->tokenizer);
    token_stream_feed(&stream, setting->cache, span_make(text.ptr, cut));
    /* What is there by then counts as a text of its own, and asking changes nothing. */
    assert_int_equal(token_stream_total(&stream, setting->cache),
                     tokens_count(setting->tokenizer, setting->cache, span_make(text.ptr, cut)));
    token_stream_feed(&stream, setting->cache, span_from(text, cut));
    int64_t total = token_stream_total(&stream, setting->cache);
    token_stream_fini(&stream);
    return total;
}

static int64_t count_in_steps(const struct setting *setting, struct span text, size_t step,
                              size_t *most_held)
{
    struct token_stream stream;
    *most_held = 0;
    token_stream_init(&stream, setting->tokenizer);
    for (; text.len > 0; text = span_from(text, step)) {
        size_t size = step < text.len ? step : text.len;
        token_stream_feed(&stream, setting->cache, span_make(text.ptr, size));
        *most_held = stream.held_len > *most_held ? stream.held_len : *most_held;
    }
    int64_t total = token_stream_total(&stream, setting->cache);
    token_stream_fini(&stream);
    return total;
}

/* At each byte, and byte by byte. */
static void check_cuts(const struct setting *setting, struct span text)
{
    size_t held;
    int64_t whole = tokens_count(setting->tokenizer, setting->cache, text);
    for (size_t cut = 0; cut <= text.len; cut++)
        if (count_in_two(setting, text, cut) != whole)
            fail_msg("<%.*s> cut at %zu", SPAN_ARG(text), cut);
    assert_int_equal(count_in_steps(setting, text, 1, &held), whole);
}

static void check_fixture(const struct vector *vector, void *argument)
{
    struct setting setting = {vector->tokenizer, argument};
    check_cuts(&setting, vector->text);
}

static void fixtures_cut_anywhere(void **state)
{
    (void)state;
    struct token_cache *cache = token_cache_new(0);
    each_fixture(check_fixture, cache);
    token_cache_free(&cache);
}

/* The vocabulary decides nothing here, so that of cl100k_base serves all grammars. Text that is no
 * UTF-8 is cut, too: a byte of some texts is changed. */
static void chance_texts_cut_anywhere(void **state)
{
    (void)state;
    char room[8 * 24];
    struct chance chance = {23};
    struct token_cache *cache = token_cache_new(0);
    for (enum token_grammar grammar = 0; grammar < GRAMMAR_COUNT; grammar++) {
        struct tokenizer tokenizer = *tokenizer_builtin(ENCODING_CL100K_BASE);
        tokenizer.grammar = grammar;
        tokenizer.serial = UINT64_MAX - grammar;
        struct setting setting = {&tokenizer, cache};
        for (int i = 0; i < 300; i++) {
            struct span text = chance_text(&chance, room, 24);
            if (i % 4 == 0 && text.len > 0)
                room[chance_below(&chance, text.len)] ^= (char)(1U << chance_below(&chance, 8));
            check_cuts(&setting, text);
        }
    }
    token_cache_free(&cache);
}

/* A large text whose parts end somewhere: exact, and what is held stays small. */
static void holds_little(void **state)
{
    (void)state;
    const struct {
        const char *part;
        size_t held_max;
    } cases[] = {
        {"The quick brown fox jumps over the lazy dog. ", 64},
        {"    if (x == NULL)\n        return -1;\n\n", 64},
        {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C\xE3\x80\x82", 64},
        {"deadbeef01234567", 64},
        {"12345678901234567", TOKEN_STREAM_MAX + 1024}, /* no place to cut, but several pieces */
        {"\n", TOKEN_STREAM_MAX + 1024},
    };
    struct setting setting = {tokenizer_builtin(ENCODING_O200K_BASE), token_cache_new(0)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t held;
        size_t part = strlen(cases[i].part);
        size_t len = (size_t)200000 / part * part;
        char *text = memory_new(len);
        for (size_t at = 0; at < len; at++)
            text[at] = cases[i].part[at % part];
        int64_t whole = tokens_count(setting.tokenizer, setting.cache, span_make(text, len));
        int64_t total = count_in_steps(&setting, span_make(text, len), 37, &held);
        assert_true(held <= cases[i].held_max);
        if (cases[i].part[0] != '\n')
            assert_int_equal(total, whole);
        free(text);
    }
    token_cache_free(&setting.cache);
}

/* A piece over the maximum is cut: nearly the same count, and memory stays bounded even when all comes
 * at once. */
static void one_long_piece_is_cut(void **state)
{
    (void)state;
    const size_t len = 400000;
    struct setting setting = {tokenizer_builtin(ENCODING_CL100K_BASE), token_cache_new(0)};
    char *text = memory_new(len);
    struct chance chance = {31};
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + chance_below(&chance, 26));
    size_t held;
    int64_t whole = tokens_count(setting.tokenizer, setting.cache, span_make(text, len));
    int64_t total = count_in_steps(&setting, span_make(text, len), len, &held);
    assert_true(total >= whole - 16 && total <= whole + 16);
    assert_true(held <= TOKEN_STREAM_MAX + 32 * 1024);
    free(text);
    token_cache_free(&setting.cache);
}

int test_tokens_stream(void);

int test_tokens_stream(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixtures_cut_anywhere),
        cmocka_unit_test(chance_texts_cut_anywhere),
        cmocka_unit_test(holds_little),
        cmocka_unit_test(one_long_piece_is_cut),
    };
    return cmocka_run_group_tests_name("llm/tokens_stream", tests, NULL, NULL);
}
