/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Names of encodings and grammars, and the encodings of models. */
#include "support.h"

#include "llm/tokens.h"

static void encodings_have_names(void **state)
{
    (void)state;
    enum encoding found = ENCODING_COUNT;
    for (enum encoding encoding = 0; encoding < ENCODING_COUNT; encoding++) {
        assert_true(encoding_find(span_from_string(encoding_name(encoding)), &found));
        assert_int_equal(found, encoding);
    }
    assert_string_equal(encoding_name(ENCODING_O200K_HARMONY), "o200k_harmony");
    assert_false(encoding_find(SPAN("p50k_base"), &found));
    assert_false(encoding_find(SPAN("cl100k"), &found));
    assert_false(encoding_find(SPAN_NONE, &found));
    assert_int_equal(found, ENCODING_O200K_HARMONY); /* as it was */
}

static void grammars_have_names(void **state)
{
    (void)state;
    const char *const names[GRAMMAR_COUNT] = {"cl100k", "o200k",    "llama3",
                                              "qwen",   "deepseek", "tekken"};
    enum token_grammar found;
    for (enum token_grammar grammar = 0; grammar < GRAMMAR_COUNT; grammar++) {
        assert_true(token_grammar_find(span_from_string(names[grammar]), &found));
        assert_int_equal(found, grammar);
    }
    assert_false(token_grammar_find(SPAN("gemma"), &found));
    assert_false(token_grammar_find(SPAN_NONE, &found));
}

static void models_have_encodings(void **state)
{
    (void)state;
    const struct {
        const char *model;
        enum encoding encoding;
    } cases[] = {
        {"gpt-4o", ENCODING_O200K_BASE},
        {"gpt-4o-2024-08-06", ENCODING_O200K_BASE},
        {"gpt-4o-mini", ENCODING_O200K_BASE},
        {"chatgpt-4o-latest", ENCODING_O200K_BASE},
        {"gpt-4.1", ENCODING_O200K_BASE},
        {"gpt-4.1-nano-2025-04-14", ENCODING_O200K_BASE},
        {"gpt-4.5-preview", ENCODING_O200K_BASE},
        {"gpt-5", ENCODING_O200K_BASE},
        {"gpt-5-mini", ENCODING_O200K_BASE},
        {"gpt-5.4-pro", ENCODING_O200K_BASE},
        {"o1", ENCODING_O200K_BASE},
        {"o1-mini", ENCODING_O200K_BASE},
        {"o3", ENCODING_O200K_BASE},
        {"o3-mini-2025-01-31", ENCODING_O200K_BASE},
        {"o4-mini", ENCODING_O200K_BASE},
        {"o4-mini-2025-04-16", ENCODING_O200K_BASE},
        {"gpt-oss-120b", ENCODING_O200K_HARMONY},
        {"gpt-4", ENCODING_CL100K_BASE},
        {"gpt-4-0613", ENCODING_CL100K_BASE},
        {"gpt-4-turbo", ENCODING_CL100K_BASE},
        {"gpt-3.5", ENCODING_CL100K_BASE},
        {"gpt-3.5-turbo", ENCODING_CL100K_BASE},
        {"gpt-3.5-turbo-instruct", ENCODING_CL100K_BASE},
        {"gpt-35-turbo-16k", ENCODING_CL100K_BASE},
        {"davinci-002", ENCODING_CL100K_BASE},
        {"babbage-002", ENCODING_CL100K_BASE},
        {"text-embedding-ada-002", ENCODING_CL100K_BASE},
        {"text-embedding-3-small", ENCODING_CL100K_BASE},
        {"text-embedding-3-large", ENCODING_CL100K_BASE},
        {"ft:gpt-4o-mini-2024-07-18:org::id", ENCODING_O200K_BASE},
        {"ft:gpt-4.1-mini-2025-04-14:org:name:id", ENCODING_O200K_BASE},
        {"ft:gpt-3.5-turbo:org", ENCODING_CL100K_BASE},
        {"ft:gpt-4", ENCODING_CL100K_BASE},
        {"ft:davinci-002:org", ENCODING_CL100K_BASE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum encoding encoding = ENCODING_COUNT;
        if (!encoding_of_model(span_from_string(cases[i].model), &encoding))
            fail_msg("%s is not known", cases[i].model);
        assert_int_equal(encoding, cases[i].encoding);
    }
}

static void other_models_have_none(void **state)
{
    (void)state;
    const char *const names[] = {
        "",        "o1x",      "o4",           "gpt-4x",           "gpt-6",
        "GPT-4o",  "ft:",      "ft:ft:gpt-4o", "claude-opus-5",    "text-davinci-003",
        "gpt-oss", "gpt-4.1x", "davinci",      "text-embedding-4", "my-gpt-4o"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum encoding encoding = ENCODING_COUNT;
        if (encoding_of_model(span_from_string(names[i]), &encoding))
            fail_msg("%s is known", names[i]);
        assert_int_equal(encoding, ENCODING_COUNT);
    }
}

int test_tokens_names(void);

int test_tokens_names(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_have_names),
        cmocka_unit_test(grammars_have_names),
        cmocka_unit_test(models_have_encodings),
        cmocka_unit_test(other_models_have_none),
    };
    return cmocka_run_group_tests_name("llm/tokens_names", tests, NULL, NULL);
}
