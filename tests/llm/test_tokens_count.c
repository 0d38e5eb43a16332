/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting beyond vectors: limits, caches, malformed text, text by chance against encoding, ids that
 * give the text again, time in proportion to length, threads that come first together.
 */
#include "tokens_support.h"

#include "tokens_data.h"

#include <pthread.h>
#include <time.h>

static const struct tokenizer *tokenizers[] = {NULL, NULL};

static int set_up(void **state)
{
    (void)state;
    tokenizers[0] = tokenizer_builtin(ENCODING_CL100K_BASE);
    tokenizers[1] = tokenizer_builtin(ENCODING_O200K_BASE);
    return 0;
}

/* ---- built-in tokenizers ---- */

static void *ask(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)tokenizer_builtin(ENCODING_O200K_BASE);
}

/* Before set_up: all threads get the same one, made once. */
static void threads_share_one(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *first = NULL;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *got;
        assert_int_equal(pthread_join(threads[i], &got), 0);
        assert_non_null(got);
        assert_true(first == NULL || first == got);
        first = got;
    }
    assert_true(tokenizer_ready(ENCODING_O200K_BASE));
    assert_ptr_equal(tokenizer_builtin(ENCODING_O200K_HARMONY), first);
}

/* ---- limits ---- */

static void stops_at_limits(void **state)
{
    (void)state;
    struct span text =
        SPAN("one two three four five, six seven eight nine ten. one two three four "
             "five, six seven eight nine ten\xE3\x80\x82 one two three four five six");
    int64_t all = tokens_count(tokenizers[1], NULL, text);
    for (int64_t limit = -1; limit <= all + 2; limit++) {
        int64_t count = tokens_count_until(tokenizers[1], NULL, text, limit);
        if (limit >= all)
            assert_int_equal(count, all);
        else
            assert_true(count > limit);
    }
    assert_int_equal(tokens_count_until(tokenizers[1], NULL, SPAN_NONE, 0), 0);
    assert_int_equal(tokens_count(tokenizers[1], NULL, SPAN_NONE), 0);
}

static void encodes_what_there_is_room_for(void **state)
{
    (void)state;
    uint32_t ids[3] = {7, 7, 7};
    assert_int_equal(tokens_encode(tokenizers[0], SPAN("hello world, hello"), ids, 2), 4);
    assert_int_equal(ids[0], 15339);
    assert_int_equal(ids[1], 1917);
    assert_int_equal(ids[2], 7);
    assert_int_equal(tokens_encode(tokenizers[0], SPAN("hello world"), NULL, 0), 2);
    assert_int_equal(tokens_encode(tokenizers[0], SPAN_NONE, ids, 3), 0);
}

/* ---- caches ---- */

/* The smallest cache forgets nearly all, and what it still has must be right. More tokenizers than
 * it has tables take turns. */
static void caches_never_change_a_count(void **state)
{
    (void)state;
    char room[8 * 60];
    struct chance chance = {7};
    struct token_cache *small = token_cache_new(2);
    struct token_cache *usual = token_cache_new(0);
    for (int i = 0; i < 3000; i++) {
        struct span text = chance_text(&chance, room, 60);
        const struct tokenizer *tokenizer = tokenizers[i % 2];
        int64_t count = tokens_count(tokenizer, NULL, text);
        assert_int_equal(tokens_count(tokenizer, small, text), count);
        assert_int_equal(tokens_count(tokenizer, usual, text), count);
        assert_int_equal(tokens_count(tokenizer, usual, text), count);
        assert_int_equal(tokens_encode(tokenizer, text, NULL, 0), count);
    }
    token_cache_free(&small);
    assert_null(small);
    token_cache_free(&small);
    token_cache_free(&usual);
}

/* ---- malformed text ---- */

#define FFFD "\xEF\xBF\xBD"

/* As Python's bytes.decode("utf-8", "replace") has it. */
static void malformed_text_is_replaced(void **state)
{
    (void)state;
    const struct {
        struct span text;
        struct span replaced;
    } cases[] = {
        {SPAN("a\x80z"), SPAN("a" FFFD "z")},
        {SPAN("a\xC0\x80z"), SPAN("a" FFFD FFFD "z")}, /* overlong */
        {SPAN("a\xC3"), SPAN("a" FFFD)},
        {SPAN("a\xC3z"), SPAN("a" FFFD "z")},
        {SPAN("a\xE4\xB8z"), SPAN("a" FFFD "z")}, /* one for the part */
        {SPAN("a\xE4\xB8"), SPAN("a" FFFD)},
        {SPAN("\xE4\xB8\xE4\xB8\xAD"), SPAN(FFFD "\xE4\xB8\xAD")},
        {SPAN("\xE0\x80\x80"), SPAN(FFFD FFFD FFFD)},
        {SPAN("\xED\xA0\x80"), SPAN(FFFD FFFD FFFD)}, /* a surrogate */
        {SPAN("\xED\x9F\xBF"), SPAN("\xED\x9F\xBF")},
        {SPAN("\xF0\x9F\x98z"), SPAN(FFFD "z")},
        {SPAN("\xF0\x80\x80\x80"), SPAN(FFFD FFFD FFFD FFFD)},
        {SPAN("\xF4\x90\x80\x80"), SPAN(FFFD FFFD FFFD FFFD)}, /* over U+10FFFF */
        {SPAN("\xF4\x8F\xBF\xBF"), SPAN("\xF4\x8F\xBF\xBF")},
        {SPAN("\xF5\xFF\xFE"), SPAN(FFFD FFFD FFFD)},
        {SPAN("0123456789012345678901234567890123456789\xFF"
              "0123456789012345678901234567890123456789"),
         SPAN("0123456789012345678901234567890123456789" FFFD
              "0123456789012345678901234567890123456789")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int t = 0; t < 2; t++) {
            uint32_t got[128];
            uint32_t expected[128];
            size_t count = tokens_encode(tokenizers[t], cases[i].replaced, expected, 128);
            assert_int_equal(tokens_encode(tokenizers[t], cases[i].text, got, 128), count);
            assert_memory_equal(got, expected, count * sizeof(got[0]));
            assert_int_equal(tokens_count(tokenizers[t], NULL, cases[i].text), count);
        }
    }
}

/* ---- ids ---- */

/* The tokens of an encoding, one after the other, found by counting. */
static const unsigned char *packed_token(const unsigned char *packed, uint32_t id)
{
    while (id-- > 0)
        packed += 1 + *packed;
    return packed;
}

static void ids_give_the_text_again(void **state)
{
    (void)state;
    const unsigned char *packed[] = {tokens_cl100k_base, tokens_o200k_base};
    char room[8 * 30];
    uint32_t ids[8 * 30];
    struct chance chance = {11};
    for (int i = 0; i < 60; i++) {
        struct span text = chance_text(&chance, room, 30);
        struct span rest = text;
        size_t count = tokens_encode(tokenizers[i % 2], text, ids, 8 * 30);
        for (size_t k = 0; k < count; k++) {
            const unsigned char *token = packed_token(packed[i % 2], ids[k]);
            assert_true(span_starts_with(rest, span_make((const char *)token + 1, *token)));
            rest = span_from(rest, *token);
        }
        assert_int_equal(rest.len, 0);
    }
}

/* Each token of an encoding is the encoding of its own bytes, if those are a piece: BPE of it gives
 * nothing else. Those that are whole UTF-8 and one piece are most of them. */
static void tokens_are_their_own_encoding(void **state)
{
    (void)state;
    const unsigned char *ends[] = {tokens_cl100k_base_end, tokens_o200k_base_end};
    const unsigned char *packed[] = {tokens_cl100k_base, tokens_o200k_base};
    for (int t = 0; t < 2; t++) {
        uint32_t id = 0;
        uint32_t same = 0;
        for (const unsigned char *at = packed[t]; at < ends[t]; at += 1 + *at, id++) {
            uint32_t ids[256];
            struct span text = span_make((const char *)at + 1, *at);
            if (tokens_encode(tokenizers[t], text, ids, 256) == 1)
                same += ids[0] == id ? 1 : 0;
        }
        assert_true(id == (t == 0 ? 100256 : 199998));
        assert_true(same > id * 9 / 10);
    }
}

/* ---- time ---- */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The shortest of several counts. */
static double time_count(const struct tokenizer *tokenizer, struct span text)
{
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        double start = seconds_now();
        assert_true(tokens_count(tokenizer, NULL, text) > 0);
        double took = seconds_now() - start;
        best = took < best ? took : best;
    }
    return best;
}

static void fill_letters(char *out, size_t len)
{
    struct chance chance = {3};
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + chance_below(&chance, 26));
}

static void fill_repeated(char *out, size_t len, const char *part)
{
    for (size_t i = 0; i < len; i++)
        out[i] = part[i % strlen(part)];
}

/* Twice as long takes about twice as long; were it to grow with the square, four times. */
static void time_grows_with_length(void **state)
{
    (void)state;
    const size_t len = (size_t)48 << 12; /* whole characters of any length */
    const char *const parts[] = {"a",        " ",  "\n",   "\xE4\xB8\xAD",  "\xF0\x9F\x98\x80",
                                 "'s",       "1",  "!/\n", "A\xE4\xB8\xAD", " \n",
                                 "\xCC\x81", "ab", "\xFF"};
    size_t count = sizeof(parts) / sizeof(parts[0]);
    char *text = memory_new(len * 2);
    for (size_t i = 0; i <= count; i++) {
        if (i < count)
            fill_repeated(text, len * 2, parts[i]);
        else
            fill_letters(text, len * 2);
        for (int t = 0; t < 2; t++) {
            double half = time_count(tokenizers[t], span_make(text, len));
            double whole = time_count(tokenizers[t], span_make(text, len * 2));
            if (whole > half * 3 + 0.002)
                fail_msg("text %zu: %.2f ms, twice of it %.2f ms", i, half * 1e3, whole * 1e3);
        }
    }
    free(text);
}

int test_tokens_count(void);

int test_tokens_count(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_one),
        cmocka_unit_test_setup(stops_at_limits, set_up),
        cmocka_unit_test_setup(encodes_what_there_is_room_for, set_up),
        cmocka_unit_test_setup(caches_never_change_a_count, set_up),
        cmocka_unit_test_setup(malformed_text_is_replaced, set_up),
        cmocka_unit_test_setup(ids_give_the_text_again, set_up),
        cmocka_unit_test_setup(tokens_are_their_own_encoding, set_up),
        cmocka_unit_test_setup(time_grows_with_length, set_up),
    };
    return cmocka_run_group_tests_name("llm/tokens_count", tests, NULL, NULL);
}
