/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound on input: which model gets which figure, and that for every recorded chat request the
 * bytes and that figure together are at least what the provider counted.
 */
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

static void bounds_the_input(void **state)
{
    (void)state;
    assert_int_equal(model_input_bound(1000, 64, 0), 1064);
    assert_int_equal(model_input_bound(1000, 64, 128000), 1064);
    assert_int_equal(model_input_bound(200000, 64, 128000), 128000);
    assert_true(model_input_bound(UINT64_MAX, 64, 0) == INT64_MAX);
    assert_true(model_input_bound(INT64_MAX, 1, 0) == INT64_MAX);
    assert_int_equal(model_input_bound(UINT64_MAX, 64, 8192), 8192);
    assert_int_equal(model_input_bound(0, 0, 0), 0);
}

/* ---- recorded requests and what their providers counted ---- */

static struct span member_value(struct span object, const char *name, enum json_type *type)
{
    size_t at = 0;
    struct span key;
    struct span value;
    while (json_walk(object, &at, &key, &value, type))
        if (span_equal(key, span_from_string(name)))
            return value;
    *type = JSON_NULL;
    return SPAN_NONE;
}

/* True when the row is a chat request whose input we claim to bound. */
static bool check_row(struct span row, struct arena *arena)
{
    enum json_type type;
    struct json_object root;
    struct json_fault fault;
    assert_true(json_scan(row, arena, &root, &fault));
    if (!span_equal(member_value(root.text, "api", &type), SPAN("\"chat\"")))
        return false;
    struct span request = member_value(root.text, "req", &type);
    struct span usage = member_value(root.text, "usage", &type);
    int64_t counted;
    if (type != JSON_OBJECT ||
        !json_value_to_i64(member_value(usage, "prompt_tokens", &type), &counted))
        return false;
    struct call call;
    struct complaint why;
    if (dialect_openai.read_call(request, arena, &call, &why) != ERR_NONE ||
        call.unboundable != NULL)
        return false;
    /* the model that the row names is the one that answered; the request may use an alias */
    int64_t bound = model_input_bound(request.len, model_hidden_input(call.model, &call), 0);
    if (bound < counted)
        fail_msg("%.*s: %lld counted, bound %lld", SPAN_ARG(call.model), (long long)counted,
                 (long long)bound);
    return true;
}

static void bounds_every_recorded_request(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = read_file(SHARED_DATA "/tokens/chat_known_answers.jsonl", &len);
    if (text == NULL) {
        print_message("no recorded requests here: skipped\n");
        skip();
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    int checked = 0;
    struct span rest = span_make(text, len);
    while (rest.len > 0) {
        struct span row;
        rest = span_cut(rest, '\n', &row);
        checked += row.len > 0 && check_row(row, &arena) ? 1 : 0;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    free(text);
    print_message("%d recorded requests are within their bound\n", checked);
    assert_true(checked > 250);
}

int test_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_longest_prefix),
        cmocka_unit_test(unknown_models_get_most),
        cmocka_unit_test(tools_and_reasoning_add),
        cmocka_unit_test(the_simulated_provider_adds_nothing),
        cmocka_unit_test(bounds_the_input),
        cmocka_unit_test(bounds_every_recorded_request),
    };
    return cmocka_run_group_tests_name("llm/model", tests, NULL, NULL);
}
