/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* How input is counted and how much of it is allowed: tokenizer, tokens_per_minute, max_input_tokens. */
#include "fixture.h"

int test_counting(void);

#define MODEL(more) \
    PROVIDERS "models: {m: {targets: [{provider: p, model: gpt-4-0613}]" more "}}\n" TENANTS

static const struct counting_rule *rule_of(struct snapshot *snapshot)
{
    return &snapshot->models[0]->counting;
}

static void expect_rule(struct fixture *fixture, const char *yaml, enum encoding encoding,
                        bool exact)
{
    struct snapshot *s = fixture_load_good(fixture, yaml);
    assert_null(rule_of(s)->ranks);
    assert_int_equal(rule_of(s)->encoding, encoding);
    assert_int_equal(rule_of(s)->exact, exact);
    snapshot_unref(&s);
}

static void a_tokenizer_is_named_or_known(void **state)
{
    expect_rule(*state, MODEL(""), ENCODING_CL100K_BASE, true);
    expect_rule(*state, MODEL(", tokenizer: o200k_base"), ENCODING_O200K_BASE, true);
    expect_rule(*state, MODEL(", tokenizer: o200k_harmony"), ENCODING_O200K_HARMONY, true);
    expect_rule(*state, MODEL(", tokenizer: learned"), ENCODING_O200K_BASE, false);
    expect_rule(*state,
                PROVIDERS "models: {m: {targets: [{provider: p, model: claude-opus-5}]}}\n" TENANTS,
                ENCODING_O200K_BASE, false);
}

static void a_tokenizer_nobody_knows_is_told(void **state)
{
    assert_bad(*state, MODEL(", tokenizer: o200k_bas"),
               "2:70: 'tokenizer' must be cl100k_base, o200k_base, o200k_harmony, learned or "
               "{ranks: FILE, grammar: NAME}; did you mean 'o200k_base'?\n");
    assert_bad(*state, MODEL(", tokenizer: [a]"), "2:70: 'tokenizer' must be a single value\n");
    assert_bad(*state, MODEL(", tokenizer: {ranks: missing.txt}"),
               "2:70: 'grammar' is missing in 'tokenizer'\n");
    assert_bad(*state, MODEL(", tokenizer: {ranks: missing.txt, grammar: latin}"),
               "2:100: 'grammar' must be cl100k, o200k, llama3, qwen, deepseek or tekken\n");
}

/* All single bytes, in the order of their values, and one pair. */
static void write_ranks(struct fixture *fixture, const char *tail)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[8192];
    size_t size = 0;
    for (unsigned byte = 0; byte < 256; byte++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%c%c== %u\n", digits[byte >> 2],
                                 digits[(byte & 3) << 4], byte);
    snprintf(text + size, sizeof(text) - size, "%s", tail);
    fixture_write(fixture, "ranks.txt", text);
}

static void ranks_are_read_from_a_file(void **state)
{
    struct fixture *fixture = *state;
    write_ranks(fixture, "YWI= 256\n"); /* ab */
    struct snapshot *s =
        fixture_load_good(fixture, MODEL(", tokenizer: {ranks: ranks.txt, grammar: llama3}"));
    assert_non_null(rule_of(s)->ranks);
    assert_true(rule_of(s)->exact);
    assert_int_equal(tokens_count(rule_of(s)->ranks, NULL, SPAN("abab")), 2);
    assert_int_equal(s->file_count, 2); /* watched */
    snapshot_unref(&s);
}

static void ranks_that_are_none_are_told(void **state)
{
    struct fixture *fixture = *state;
    const char *yaml = MODEL(", tokenizer: {ranks: ranks.txt, grammar: llama3}");
    char expected[256];
    snprintf(expected, sizeof expected,
             "2:78: 'ranks' cannot be read from '%s/ranks.txt': No such file or directory\n",
             fixture->directory);
    assert_bad(fixture, yaml, expected);
    write_ranks(fixture, "not ranks\n");
    struct snapshot *s = fixture_load(fixture, yaml);
    assert_null(s);
    assert_int_equal(fixture->problems.count, 1);
    assert_non_null(strstr(fixture->problems.items[0].message, "'ranks' cannot be used"));
    assert_non_null(strstr(fixture->problems.items[0].message, "line 257"));
}

#define LIMITED(limits) PROVIDERS MODELS "tenants: {t: {" limits "}}\n"

static void limits_of_tokens_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, LIMITED("max_input_tokens: 32k, limits: {tokens_per_minute: 200k}, keys: [{id: k, "
                        "sha256: " DIGEST_A ", limits: {tokens_per_minute: 60000000000}}]"));
    const struct key *key = s->keys[0];
    struct rate_view view;
    assert_int_equal(key->tenant->allowance.max_input_tokens, 32000);
    assert_int_equal(subject_max_input_tokens(key), 32000);
    rate_look(key->tenant->allowance.tokens, 0, &view);
    assert_int_equal(view.limit, 200000);
    rate_look(key->allowance.tokens, 0, &view);
    assert_int_equal(view.limit, 60000000000);
    assert_null(key->allowance.rate);
    snapshot_unref(&s);
}

static void limits_of_tokens_have_bounds(void **state)
{
    assert_bad(*state, LIMITED("limits: {tokens_per_minute: 0}"),
               "3:43: 'tokens_per_minute' must be a whole number, from 1 to 60000000000\n");
    assert_bad(*state, LIMITED("limits: {tokens_per_minute: 60000000001}"),
               "3:43: 'tokens_per_minute' must be a whole number, from 1 to 60000000000\n");
    assert_bad(*state, LIMITED("max_input_tokens: 0"),
               "3:33: 'max_input_tokens' must be a whole number, from 1 to 100000000\n");
}

int test_counting(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_tokenizer_is_named_or_known), FIXTURE_TEST(a_tokenizer_nobody_knows_is_told),
        FIXTURE_TEST(ranks_are_read_from_a_file),    FIXTURE_TEST(ranks_that_are_none_are_told),
        FIXTURE_TEST(limits_of_tokens_are_read),     FIXTURE_TEST(limits_of_tokens_have_bounds),
    };
    return cmocka_run_group_tests_name("config/counting", tests, NULL, NULL);
}
