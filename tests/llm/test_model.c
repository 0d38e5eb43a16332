/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Which family a model's name means, and that family's figures. */
#include "llm/model.h"

#include "support.h"

static int64_t plain(const char *model)
{
    struct call call = {0};
    return model_hidden_input(span_from_string(model), &call);
}

static void finds_the_longest_prefix(void **state)
{
    (void)state;
    assert_int_equal(plain("gpt-4o-2024-08-06"), plain("gpt-4"));
    assert_true(plain("gpt-5-mini") > plain("gpt-4o"));
    assert_true(plain("gpt-5-search-api") > 1000000);
    assert_int_equal(plain("GPT-4o"), plain("gpt-4o"));
    assert_int_equal(plain("openai/gpt-oss-120b"), plain("gpt-oss-120b"));
    assert_int_equal(plain("accounts/fireworks/models/qwen3-32b"), plain("qwen"));
    assert_true(plain("groq/compound") > 1000000);
    assert_true(plain("o3-mini") < plain("never-heard-of"));
}

static void unknown_models_get_most(void **state)
{
    (void)state;
    assert_int_equal(plain("never-heard-of"), 1024);
    assert_int_equal(plain(""), 1024);
    assert_int_equal(plain("o12"), 1024); /* not o1 */
    assert_int_equal(plain("gpt-50"), 1024);
    assert_int_equal(plain("gpt-59"), 1024);
    struct call call = {.has_tools = true};
    assert_int_equal(model_hidden_input(SPAN("never-heard-of"), &call), 2048);
    call.has_reasoning = true;
    assert_int_equal(model_hidden_input(SPAN("never-heard-of"), &call), 3072);
}

static void tools_and_reasoning_add(void **state)
{
    (void)state;
    static const char *const models[] = {"gpt-4o",        "gpt-5",         "o3",
                                         "claude-opus-5", "llama-4-scout", "deepseek-chat",
                                         "grok-4.3",      "mistral-large", "gemini-3"};
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        struct span name = span_from_string(models[i]);
        struct call none = {0};
        struct call tools = {.has_tools = true};
        struct call both = {.has_tools = true, .has_reasoning = true};
        assert_true(model_hidden_input(name, &none) > 0);
        assert_true(model_hidden_input(name, &tools) > model_hidden_input(name, &none));
        assert_true(model_hidden_input(name, &both) >= model_hidden_input(name, &tools));
    }
    struct call call = {.has_reasoning = true};
    assert_true(model_hidden_input(SPAN("gpt-5.6-sol"), &call) >= 1531); /* seen */
    call = (struct call){.has_tools = true};
    assert_true(model_hidden_input(SPAN("claude-opus-4-7"), &call) >= 804); /* published */
}

static void the_simulated_provider_adds_nothing(void **state)
{
    (void)state;
    struct call call = {.has_tools = true, .has_reasoning = true};
    static const char *const names[] = {"sim", "sim:out=64,ttft=20ms", "sim-large", "simulated",
                                        "simulated-9"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(model_hidden_input(span_from_string(names[i]), &call), 0);
    assert_int_equal(model_hidden_input(SPAN("simple-scaling/s1"), &call), 3072);
    static const char *const others[] = {"si", "sima", "simz", "simA", "simZ", "a/sim"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(model_hidden_input(span_from_string(others[i]), &call), 3072);
}

static void embeddings_have_words_before_each_text(void **state)
{
    (void)state;
    struct call call = {.kind = CALL_EMBEDDINGS, .prompts = 100};
    assert_int_equal(model_hidden_input(SPAN("text-embedding-3-small"), &call), 64);
    assert_int_equal(model_hidden_input(SPAN("voyage-3"), &call), 1024 + 6400);
    assert_int_equal(model_hidden_input(SPAN("sim"), &call), 0);
}

static void a_schema_is_explained_as_tools_are(void **state)
{
    (void)state;
    struct call call = {.has_schema = true};
    struct call tools = {.has_tools = true};
    assert_int_equal(model_hidden_input(SPAN("claude-opus-5"), &call),
                     model_hidden_input(SPAN("claude-opus-5"), &tools));
}

/* Known answers (the vision guide, and recorded requests). */
static void images_have_a_most(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t most;
    } rows[] = {{"gpt-4o", 1445},         {"gpt-4.1", 1445},
                {"gpt-4o-mini", 48169},   {"gpt-4.1-mini", 2489},
                {"gpt-4.1-nano", 3779},   {"gpt-5", 1190},
                {"gpt-5-nano", 3779},     {"gpt-5.2", 1536},
                {"gpt-5.4", 10000},       {"o1", 1275},
                {"o4-mini", 2642},        {"claude-opus-4-7", 4784},
                {"gemini-2.5-pro", 7224}, {"pixtral-large", 4160},
                {"unheard-of", 48169}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct model_family *family = model_family(span_from_string(rows[i].model));
        assert_true(family->image >= rows[i].most * 5 / 4);
    }
    assert_true(model_family(SPAN("gpt-5.6-sol"))->image > 1000000);
    assert_true(model_family(SPAN("gpt-5.7"))->image > 1000000);
    assert_int_equal(model_family(SPAN("unheard-of"))->traits & MODEL_SEES, 0);
    assert_int_equal(model_family(SPAN("llama-3.3-70b"))->traits & MODEL_SEES, 0);
    assert_int_not_equal(model_family(SPAN("llama-4-scout"))->traits & MODEL_SEES, 0);
}

int test_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_longest_prefix),
        cmocka_unit_test(unknown_models_get_most),
        cmocka_unit_test(tools_and_reasoning_add),
        cmocka_unit_test(the_simulated_provider_adds_nothing),
        cmocka_unit_test(embeddings_have_words_before_each_text),
        cmocka_unit_test(a_schema_is_explained_as_tools_are),
        cmocka_unit_test(images_have_a_most),
    };
    return cmocka_run_group_tests_name("llm/model", tests, NULL, NULL);
}
