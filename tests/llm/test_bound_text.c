/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound where a tokenizer normalises before it cuts: texts with the most bytes that NFC and NFKC
 * make of them (each figure from Unicode's own data), against the bound of a model that normalises.
 */
#include "support.h"

#include "llm/bound.h"

/* The input bound of a chat with this text, less that of one without: what the text is held for. */
static int64_t bound_of(const char *model, const char *text)
{
    struct call call;
    struct complaint why;
    struct arena arena;
    int64_t bounds[2];
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < 2; i++) {
        struct span body = arena_printf(
            &arena, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
            i == 0 ? text : "");
        assert_int_equal(dialect_openai.read_call(body, &arena, &call, &why), ERR_NONE);
        struct bound_request request = {
            .call = &call, .model = span_from_string(model), .hidden_input = 0};
        bounds[i] = bound_input(&request);
    }
    arena_fini(&arena);
    return bounds[0] - bounds[1];
}

struct growth_case {
    const char *text;
    int64_t normalised; /* bytes of UTF-8, after whichever form makes it longest */
};

static const struct growth_case growth_cases[] = {
    {"plain text", 10},
    {"\xEF\xB7\xBA", 33}, /* U+FDFA, NFKC: the worst of all, 11 times */
    {"\\ufdfa", 33},      /* the same, as a client may write it */
    {"\\uFDFA\\ufdfb", 33 + 15},
    {"\xE3\x8C\x96", 18},     /* U+3316 */
    {"\xE0\xA5\x98", 6},      /* U+0958, NFC: composition excluded */
    {"\xEF\xAC\xAC", 6},      /* U+FB2C, NFC */
    {"\xCD\x84", 4},          /* U+0344, NFC */
    {"\xF0\x9D\x85\xA0", 12}, /* U+1D160, NFC: three times */
    {"\\ud834\\udd60", 12},   /* the same as two escapes */
    {"\xC2\xBD", 5},          /* U+00BD, a half */
    {"\xE2\xA8\x8C", 12},     /* U+2A0C, four integrals */
    {"\xC3\x80\xCC\xA3", 5},  /* À with a dot below */
    {"\xC3\x80\xCC\xA5\xCC\xA3", 7},
    {"\xEA\xB0\x80", 3},     /* Hangul stays whole */
    {"\xF0\x9F\x98\x80", 4}, /* so do pictures */
};

static void a_text_is_held_for_what_it_becomes(void **state)
{
    (void)state;
    static const char *const models[] = {"claude-opus-5", "gemini-2.5-pro", "qwen3-32b",
                                         "grok-4",        "mistral-large",  "never-heard-of"};
    for (size_t i = 0; i < sizeof(growth_cases) / sizeof(growth_cases[0]); i++)
        for (size_t k = 0; k < sizeof(models) / sizeof(models[0]); k++)
            if (bound_of(models[k], growth_cases[i].text) < growth_cases[i].normalised)
                fail_msg("%s of %s: %lld", growth_cases[i].text, models[k],
                         (long long)bound_of(models[k], growth_cases[i].text));
}

/* Tokenizers of bytes see what was sent, and common letters do not grow. */
static void nothing_is_held_without_need(void **state)
{
    (void)state;
    assert_int_equal(bound_of("gpt-4o", "\xEF\xB7\xBA"), 3);
    assert_int_equal(bound_of("deepseek-chat", "\xEF\xB7\xBA"), 3);
    static const char *const texts[] = {
        "gr\xC3\xBC\xC3\x9F dich",                           /* Latin */
        "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",  /* Cyrillic */
        "\xE4\xBD\xA0\xE5\xA5\xBD \xE3\x81\x82\xEC\x95\x88", /* Han, kana, Hangul */
        "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",          /* Arabic */
        "a\\n\\\"b\\\\c\\/\\u0041",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(bound_of("claude-opus-5", texts[i]), strlen(texts[i]));
}

/* Whatever stands before it, and however far from a round number of bytes. */
static void growth_is_found_at_every_place(void **state)
{
    (void)state;
    static const char *const grown[] = {"\xEF\xB7\xBA", "\\ufdfa"};
    for (size_t i = 0; i < 2; i++)
        for (size_t before = 0; before < 40; before++) {
            char text[100];
            memset(text, 'a', before);
            snprintf(text + before, sizeof(text) - before, "%s%s", grown[i], grown[i]);
            assert_int_equal(bound_of("claude-opus-5", text), strlen(text) + 60);
        }
}

int test_bound_text(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_held_for_what_it_becomes),
        cmocka_unit_test(nothing_is_held_without_need),
        cmocka_unit_test(growth_is_found_at_every_place),
    };
    return cmocka_run_group_tests_name("llm/bound_text", tests, NULL, NULL);
}
