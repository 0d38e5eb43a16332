/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Rank files: what is refused, with its line; what is read counts as the built-in encodings do. */
#include "tokens_support.h"

#include "base/buf.h"

#include "tokens_data.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_base64(struct buf *out, struct span bytes)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        uint32_t bits = 0;
        size_t len = bytes.len - at < 3 ? bytes.len - at : 3;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < len ? (unsigned char)bytes.ptr[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            buf_append_byte(out, i <= len ? digits[bits >> (18 - 6 * i) & 63] : '=');
    }
}

static void put_line(struct buf *out, struct span bytes, uint64_t rank)
{
    put_base64(out, bytes);
    buf_append_byte(out, ' ');
    buf_append_u64(out, rank);
    buf_append_byte(out, '\n');
}

static void put_bytes(struct buf *out)
{
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        put_line(out, span_make(&c, 1), (uint64_t)byte);
    }
}

static struct tokenizer *read_ranks(struct buf *text, char why[128])
{
    return tokenizer_new(buf_span(text), GRAMMAR_CL100K, why);
}

/* ---- refusals ---- */

/* A good file of 256 lines with `more` after it. */
static void check_refused(struct span more, const char *expected)
{
    char why[128] = "";
    struct buf text;
    buf_init(&text, 1 << 20, 0);
    put_bytes(&text);
    buf_append(&text, more);
    assert_null(read_ranks(&text, why));
    assert_string_equal(why, expected);
    buf_fini(&text);
}

#define NO_BASE64 "line 257: the token is no base64 of 1 to 255 bytes"
#define NO_SPACE  "line 257: no space between token and rank"
#define NO_RANK   "line 257: the rank is no number below 2^32 - 1"

static void malformed_lines_are_refused(void **state)
{
    (void)state;
    check_refused(SPAN("YWI="), NO_SPACE);
    check_refused(SPAN("\n"), NO_SPACE);
    check_refused(SPAN("\nYWI= 256\n"), NO_SPACE);
    check_refused(SPAN(" 256\n"), NO_BASE64);
    check_refused(SPAN("YWI 256\n"), NO_BASE64);  /* not padded */
    check_refused(SPAN("YW=I 256\n"), NO_BASE64); /* padding inside */
    check_refused(SPAN("Y=== 256\n"), NO_BASE64); /* too much of it */
    check_refused(SPAN("==== 256\n"), NO_BASE64); /* nothing else */
    check_refused(SPAN("YWJ= 256\n"), NO_BASE64); /* bits left over */
    check_refused(SPAN("YW-_ 256\n"), NO_BASE64); /* of another alphabet */
    check_refused(SPAN("YWI=YWI= 256\n"), NO_BASE64);
    check_refused(SPAN("YWI=\t256\n"), NO_SPACE);
    check_refused(SPAN("YWI= \n"), NO_RANK);
    check_refused(SPAN("YWI=  256\n"), NO_RANK);
    check_refused(SPAN("YWI= 256 \n"), NO_RANK);
    check_refused(SPAN("YWI= -1\n"), NO_RANK);
    check_refused(SPAN("YWI= 1e3\n"), NO_RANK);
    check_refused(SPAN("YWI= 4294967295\n"), NO_RANK);
    check_refused(SPAN("YWI= 99999999999999999999\n"), NO_RANK);
    check_refused(SPAN("YWI= 256\nYWJj 256\n"), "line 258: the rank was there before");
    check_refused(SPAN("YWI= 256\nYWI= 257\n"), "line 258: the token was there before");
    check_refused(SPAN("YQ== 256\n"), "line 257: the token was there before");
}

static void long_tokens_are_refused(void **state)
{
    (void)state;
    char bytes[256];
    char why[128];
    memset(bytes, 'x', sizeof(bytes));
    for (size_t len = 255; len <= 256; len++) {
        struct buf text;
        buf_init(&text, 1 << 20, 0);
        put_bytes(&text);
        put_line(&text, span_make(bytes, len), 256);
        struct tokenizer *tokenizer = read_ranks(&text, why);
        assert_true((tokenizer != NULL) == (len == 255));
        if (tokenizer != NULL) /* found whole, though merging does not make it */
            assert_int_equal(tokens_count(tokenizer, NULL, span_make(bytes, 255)), 1);
        else
            assert_string_equal(why, NO_BASE64);
        tokenizer_unref(&tokenizer);
        buf_fini(&text);
    }
}

static void all_bytes_must_be_there(void **state)
{
    (void)state;
    char why[128];
    struct buf text;
    buf_init(&text, 1 << 20, 0);
    assert_null(read_ranks(&text, why));
    assert_string_equal(why, "no token for the single byte 0x00");
    put_bytes(&text);
    buf_truncate(&text, buf_len(&text) - strlen("/w== 255\n"));
    assert_null(read_ranks(&text, why));
    assert_string_equal(why, "no token for the single byte 0xFF");
    buf_fini(&text);
}

static void large_files_are_refused(void **state)
{
    (void)state;
    char why[128];
    size_t len = ((size_t)16 << 20) + 1;
    char *text = memory_new(len);
    assert_null(tokenizer_new(span_make(text, len), GRAMMAR_CL100K, why));
    assert_string_equal(why, "longer than 16777216 bytes");
    free(text);
}

/* ---- what is read ---- */

/* Lines in any order, CRLF, no newline at the end, gaps between ranks; ids are the ranks. */
static void ranks_are_ids(void **state)
{
    (void)state;
    char why[128];
    struct buf text;
    uint32_t ids[8];
    buf_init(&text, 1 << 20, 0);
    buf_append(&text, SPAN("YWJj 5000\r\nYWI= 4000\n"));
    put_bytes(&text);
    buf_append(&text, SPAN("IGFiYw== 6000"));
    struct tokenizer *tokenizer = read_ranks(&text, why);
    buf_fini(&text);
    assert_non_null(tokenizer);
    assert_int_equal(tokens_encode(tokenizer, SPAN("abc ab abc"), ids, 8), 4);
    const uint32_t expected[] = {5000, ' ', 4000, 6000};
    assert_memory_equal(ids, expected, sizeof(expected));
    struct tokenizer *other = tokenizer_ref(tokenizer);
    tokenizer_unref(&tokenizer);
    assert_null(tokenizer);
    assert_int_equal(tokens_count(other, NULL, SPAN("abc ab abc")), 4);
    tokenizer_unref(&other);
    tokenizer_unref(&other);
}

/* The built-in one again, from its ranks. */
static void a_real_file(void **state)
{
    (void)state;
    char why[128];
    char room[8 * 60];
    struct buf text;
    struct chance chance = {41};
    struct token_cache *cache = token_cache_new(0);
    uint64_t rank = 0;
    buf_init(&text, 4 << 20, 0);
    for (const unsigned char *at = tokens_cl100k_base; at < tokens_cl100k_base_end; at += 1 + *at)
        put_line(&text, span_make((const char *)at + 1, *at), rank++);
    struct tokenizer *tokenizer = read_ranks(&text, why);
    assert_non_null(tokenizer);
    buf_fini(&text);
    const struct tokenizer *builtin = tokenizer_builtin(ENCODING_CL100K_BASE);
    for (int i = 0; i < 500; i++) {
        uint32_t ids[8 * 60];
        uint32_t expected[8 * 60];
        struct span sample = chance_text(&chance, room, 60);
        size_t count = tokens_encode(builtin, sample, expected, 8 * 60);
        assert_int_equal(tokens_encode(tokenizer, sample, ids, 8 * 60), count);
        assert_memory_equal(ids, expected, count * sizeof(ids[0]));
        assert_int_equal(tokens_count(tokenizer, cache, sample), count);
    }
    token_cache_free(&cache);
    tokenizer_unref(&tokenizer);
}

int test_tokens_file(void);

int test_tokens_file(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_lines_are_refused),
        cmocka_unit_test(long_tokens_are_refused),
        cmocka_unit_test(all_bytes_must_be_there),
        cmocka_unit_test(large_files_are_refused),
        cmocka_unit_test(ranks_are_ids),
        cmocka_unit_test(a_real_file),
    };
    return cmocka_run_group_tests_name("llm/tokens_file", tests, NULL, NULL);
}
