/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a chat completions body: what it says, why it is refused, what has no bound. */
#include "support.h"

#include <time.h>

/* The members that every body needs. */
#define BASE "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

struct fixture {
    struct arena arena;
    struct call call;
    struct complaint why;
};

static int set_up(void **state)
{
    struct fixture *fixture = MEMORY_NEW(struct fixture);
    arena_init(&fixture->arena, 1 << 20);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static enum err read_span(struct fixture *fixture, struct span text)
{
    arena_reset(&fixture->arena);
    memset(&fixture->call, 0xA5, sizeof(fixture->call));
    memset(&fixture->why, 0, sizeof(fixture->why));
    return dialect_openai.read_call(text, &fixture->arena, &fixture->call, &fixture->why);
}

static const struct call *accept(void **state, const char *text)
{
    struct fixture *fixture = *state;
    if (read_span(fixture, span_from_string(text)) != ERR_NONE)
        fail_msg("refused: %s: %s", text, fixture->why.message);
    return &fixture->call;
}

static const struct complaint *refuse(void **state, const char *text, enum err expected,
                                      const char *param)
{
    struct fixture *fixture = *state;
    enum err err = read_span(fixture, span_from_string(text));
    if (err != expected || strcmp(fixture->why.param, param) != 0)
        fail_msg("%s gave %s on <%s>: %s", text, err_info(err)->name, fixture->why.param,
                 fixture->why.message);
    assert_true(strlen(fixture->why.message) > 10);
    return &fixture->why;
}

/* ---- what it says ---- */

static void reads_the_least_body(void **state)
{
    const struct call *call = accept(state, " {" BASE "} ");
    assert_span_equal(call->model, "m");
    assert_span_equal(call->body.text, "{" BASE "}");
    assert_false(call->stream);
    assert_false(call->wants_usage);
    assert_int_equal(call->choices, 1);
    assert_int_equal(call->output_limit, 0);
    assert_int_equal(call->limit_field, LIMIT_FIELD_NONE);
    assert_int_equal(call->messages, 1);
    assert_false(call->has_tools);
    assert_false(call->has_reasoning);
    assert_int_equal(call->user.len, 0);
    assert_null(call->unboundable);
}

static void reads_all_members(void **state)
{
    const struct call *call = accept(
        state, "{\"model\":\"gpt\\u002d4o\",\"n\":3,\"stream\":true,\"user\":\"u\\u00e9\","
               "\"stream_options\":{\"include_obfuscation\":false,\"include_usage\":true},"
               "\"max_tokens\":100,\"tools\":[{\"type\":\"function\"},{\"type\":\"custom\"}],"
               "\"reasoning_effort\":\"high\",\"temperature\":0.5,\"x\":[1,{\"model\":2}],"
               "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
               "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\"}]},"
               "{\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"refusal\"}],"
               "\"role\":\"user\"}]}");
    assert_span_equal(call->model, "gpt-4o");
    assert_span_equal(call->user, "u\xC3\xA9");
    assert_true(call->stream);
    assert_true(call->wants_usage);
    assert_int_equal(call->choices, 3);
    assert_int_equal(call->output_limit, 100);
    assert_int_equal(call->limit_field, LIMIT_FIELD_MAX_TOKENS);
    assert_int_equal(call->messages, 3);
    assert_true(call->has_tools);
    assert_true(call->has_reasoning);
    assert_null(call->unboundable);
}

static void escaped_names_are_the_same_members(void **state)
{
    const struct call *call =
        accept(state, "{\"mod\\u0065l\":\"m\",\"max_t\\u006fkens\":5,"
                      "\"messages\":[{\"r\\u006Fle\":\"user\",\"cont\\u0065nt\":"
                      "[{\"typ\\u0065\":\"t\\u0065xt\"}]}]}");
    assert_span_equal(call->model, "m");
    assert_int_equal(call->output_limit, 5);
    assert_null(call->unboundable);
}

static void null_members_are_absent(void **state)
{
    const struct call *call =
        accept(state, "{" BASE ",\"stream\":null,\"stream_options\":null,\"n\":null,"
                      "\"max_tokens\":null,\"max_completion_tokens\":null,\"tools\":null,"
                      "\"functions\":null,\"reasoning_effort\":null,\"user\":null,"
                      "\"modalities\":null,\"audio\":null,\"web_search_options\":null,"
                      "\"prediction\":null,\"service_tier\":null,\"moderation\":null}");
    assert_int_equal(call->choices, 1);
    assert_int_equal(call->limit_field, LIMIT_FIELD_NONE);
    assert_false(call->has_tools);
    assert_false(call->has_reasoning);
    assert_null(call->unboundable);
}

static void reads_limits(void **state)
{
    const struct call *call = accept(state, "{" BASE ",\"max_completion_tokens\":2147483647}");
    assert_int_equal(call->output_limit, INT32_MAX);
    assert_int_equal(call->limit_field, LIMIT_FIELD_MAX_COMPLETION_TOKENS);
    call = accept(state, "{\"max_tokens\":1," BASE ",\"max_completion_tokens\":null}");
    assert_int_equal(call->output_limit, 1);
    assert_int_equal(call->limit_field, LIMIT_FIELD_MAX_TOKENS);
    call = accept(state, "{\"max_tokens\":7," BASE ",\"max_completion_tokens\":7}");
    assert_int_equal(call->output_limit, 7);
    assert_int_equal(call->limit_field, LIMIT_FIELD_BOTH);
    call = accept(state, "{" BASE ",\"n\":128}");
    assert_int_equal(call->choices, 128);
}

static void reads_streams(void **state)
{
    const struct call *call = accept(state, "{" BASE ",\"stream\":true,\"stream_options\":{}}");
    assert_true(call->stream);
    assert_false(call->wants_usage);
    call = accept(state, "{\"stream_options\":{\"include_usage\":false}," BASE ",\"stream\":true}");
    assert_false(call->wants_usage);
    call = accept(state, "{\"stream_options\":{\"include_usage\":null}," BASE ",\"stream\":true}");
    assert_false(call->wants_usage);
    call = accept(state, "{\"stream_options\":null," BASE ",\"stream\":false}");
    assert_false(call->stream);
}

static void reads_tools_and_reasoning(void **state)
{
    assert_false(accept(state, "{" BASE ",\"tools\":[]}")->has_tools);
    assert_true(accept(state, "{" BASE ",\"functions\":[{\"name\":\"f\"}]}")->has_tools);
    assert_false(accept(state, "{" BASE ",\"reasoning_effort\":\"none\"}")->has_reasoning);
    assert_true(accept(state, "{" BASE ",\"reasoning_effort\":\"minimal\"}")->has_reasoning);
    assert_true(accept(state, "{" BASE ",\"reasoning\":{\"max_tokens\":9}}")->has_reasoning);
    assert_true(accept(state, "{" BASE ",\"thinking\":{\"type\":\"enabled\"}}")->has_reasoning);
    assert_int_equal(accept(state, "{" BASE ",\"user\":5}")->user.len, 0);
}

/* ---- refusals ---- */

static void refuses_what_is_not_json(void **state)
{
    const struct complaint *why = refuse(state, "{\"model\":}", ERR_JSON_INVALID, "");
    assert_non_null(strstr(why->message, "at byte 9"));
    refuse(state, "", ERR_JSON_INVALID, "");
    refuse(state, "{" BASE "} x", ERR_JSON_INVALID, "");
    refuse(state, "{" BASE ",\"max_tokens\":1e309}", ERR_JSON_INVALID, "");
    why = refuse(state, "{" BASE ",\"mod\\u0065l\":\"n\"}", ERR_JSON_INVALID, "");
    assert_non_null(strstr(why->message, "duplicate key"));
    why = refuse(state, "[" BASE "]", ERR_JSON_INVALID, "");
    why = refuse(state, "[]", ERR_JSON_INVALID, "");
    assert_non_null(strstr(why->message, "object"));
    refuse(state, "\"text\"", ERR_JSON_INVALID, "");
}

static void refuses_missing_members(void **state)
{
    refuse(state, "{}", ERR_FIELD_MISSING, "messages");
    refuse(state, "{\"model\":\"m\"}", ERR_FIELD_MISSING, "messages");
    refuse(state, "{\"messages\":[{\"role\":\"user\"}]}", ERR_FIELD_MISSING, "model");
    const struct complaint *why =
        refuse(state, "{\"model\":\"m\",\"input\":\"hi\"}", ERR_FIELD_MISSING, "messages");
    assert_non_null(strstr(why->message, "Responses API"));
    why = refuse(state, "{\"model\":\"m\"}", ERR_FIELD_MISSING, "messages");
    assert_null(strstr(why->message, "Responses API"));
    accept(state, "{" BASE ",\"input\":\"both\"}");
}

static void refuses_bad_models(void **state)
{
    char text[400];
    refuse(state, "{\"model\":5,\"messages\":[{\"role\":\"u\"}]}", ERR_FIELD_INVALID, "model");
    refuse(state, "{\"model\":null,\"messages\":[{\"role\":\"u\"}]}", ERR_FIELD_INVALID, "model");
    refuse(state, "{\"model\":\"\",\"messages\":[{\"role\":\"u\"}]}", ERR_FIELD_INVALID, "model");
    snprintf(text, sizeof(text), "{\"model\":\"%0256d\",\"messages\":[{\"role\":\"u\"}]}", 1);
    assert_int_equal(accept(state, text)->model.len, 256);
    snprintf(text, sizeof(text), "{\"model\":\"%0257d\",\"messages\":[{\"role\":\"u\"}]}", 1);
    refuse(state, text, ERR_FIELD_INVALID, "model");
}

static void refuses_bad_messages(void **state)
{
    static const struct {
        const char *messages;
        enum err err;
        const char *param;
    } rows[] = {
        {"null", ERR_FIELD_INVALID, "messages"},
        {"{}", ERR_FIELD_INVALID, "messages"},
        {"\"hi\"", ERR_FIELD_INVALID, "messages"},
        {"[]", ERR_FIELD_INVALID, "messages"},
        {"[\"hi\"]", ERR_FIELD_INVALID, "messages[0]"},
        {"[{\"role\":\"user\"},null]", ERR_FIELD_INVALID, "messages[1]"},
        {"[{}]", ERR_FIELD_MISSING, "messages[0].role"},
        {"[{\"content\":\"x\"}]", ERR_FIELD_MISSING, "messages[0].role"},
        {"[{\"role\":null}]", ERR_FIELD_INVALID, "messages[0].role"},
        {"[{\"role\":7}]", ERR_FIELD_INVALID, "messages[0].role"},
        {"[{\"role\":\"user\",\"content\":5}]", ERR_FIELD_INVALID, "messages[0].content"},
        {"[{\"role\":\"user\",\"content\":{}}]", ERR_FIELD_INVALID, "messages[0].content"},
        {"[{\"role\":\"user\",\"content\":[\"x\"]}]", ERR_FIELD_INVALID, "messages[0].content"},
        {"[{\"role\":\"user\",\"content\":[null]}]", ERR_FIELD_INVALID, "messages[0].content"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"messages\":%s}", rows[i].messages);
        refuse(state, text, rows[i].err, rows[i].param);
    }
}

static void refuses_bad_members(void **state)
{
    static const struct {
        const char *member;
        const char *param;
    } rows[] = {
        {"\"stream\":\"true\"", "stream"},
        {"\"stream\":1", "stream"},
        {"\"stream\":0", "stream"},
        {"\"stream\":true,\"stream_options\":[]", "stream_options"},
        {"\"stream\":true,\"stream_options\":true", "stream_options"},
        {"\"stream\":true,\"stream_options\":{\"include_usage\":1}",
         "stream_options.include_usage"},
        {"\"stream\":true,\"stream_options\":{\"include_us\\u0061ge\":\"true\"}",
         "stream_options.include_usage"},
        {"\"stream_options\":{\"include_usage\":true}", "stream_options"},
        {"\"stream\":false,\"stream_options\":{}", "stream_options"},
        {"\"stream\":null,\"stream_options\":{}", "stream_options"},
        {"\"max_tokens\":0", "max_tokens"},
        {"\"max_tokens\":-0", "max_tokens"},
        {"\"max_tokens\":-1", "max_tokens"},
        {"\"max_tokens\":1.5", "max_tokens"},
        {"\"max_tokens\":1.0", "max_tokens"},
        {"\"max_tokens\":1e2", "max_tokens"},
        {"\"max_tokens\":\"100\"", "max_tokens"},
        {"\"max_tokens\":2147483648", "max_tokens"},
        {"\"max_tokens\":18446744073709551617", "max_tokens"},
        {"\"max_tokens\":1e300", "max_tokens"},
        {"\"max_tokens\":true", "max_tokens"},
        {"\"max_tokens\":[1]", "max_tokens"},
        {"\"max_completion_tokens\":0", "max_completion_tokens"},
        {"\"max_completion_tokens\":\"9\"", "max_completion_tokens"},
        {"\"max_tokens\":5,\"max_completion_tokens\":6", "max_tokens"},
        {"\"n\":0", "n"},
        {"\"n\":129", "n"},
        {"\"n\":1.0", "n"},
        {"\"n\":\"1\"", "n"},
        {"\"n\":-1", "n"},
        {"\"tools\":{}", "tools"},
        {"\"tools\":[\"web_search\"]", "tools"},
        {"\"modalities\":\"audio\"", "modalities"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{" BASE ",%s}", rows[i].member);
        refuse(state, text, ERR_FIELD_INVALID, rows[i].param);
    }
}

static void refuses_a_body_that_the_arena_cannot_hold(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    arena_init(&fixture->arena, 16);
    struct complaint why = {0};
    struct call call;
    enum err err = dialect_openai.read_call(SPAN("{" BASE "}"), &fixture->arena, &call, &why);
    assert_int_equal(err, ERR_OVERLOADED);
    assert_true(strlen(why.message) > 10);
}

/* ---- what has no bound ---- */

static void names_the_part_without_bound(void **state)
{
    static const struct {
        const char *member;
        const char *name; /* NULL: all is bounded */
    } rows[] = {
        {"\"modalities\":[\"text\"]", NULL},
        {"\"modalities\":[]", NULL},
        {"\"web_search_options\":{}", "web_search_options"},
        {"\"web_s\\u0065arch_options\":{}", "web_search_options"},
        {"\"service_tier\":\"auto\"", NULL},
        {"\"service_tier\":\"default\"", NULL},
        {"\"best_of\":5", NULL},
        {"\"chat_template\":\"{% for %}\"", "chat_template"},
        {"\"data_sources\":[]", "data_sources"},
        {"\"extra_body\":{}", "extra_body"},
        {"\"plugins\":[{\"id\":\"web\"}]", "plugins"},
        {"\"search_parameters\":{}", "search_parameters"},
        {"\"tools\":[{\"type\":\"function\"},{\"type\":\"web_search\"}]", "hosted tool"},
        {"\"tools\":[{\"type\":\"fun\\u0063tion\"}]", NULL},
        {"\"tools\":[{\"name\":\"x\"}]", "hosted tool"},
        {"\"tools\":[{\"function\":{\"name\":\"x\"}}]", NULL},
        {"\"tools\":[{\"function\":null}]", "hosted tool"},
        {"\"tools\":[{\"type\":null,\"function\":{}}]", "hosted tool"},
        {"\"tools\":[{\"type\":[\"function\"]}]", "hosted tool"},
        {"\"metadata\":{\"audio\":{},\"service_tier\":\"x\"}", NULL},
        {"\"temperature\":1,\"seed\":5,\"logit_bias\":{},\"store\":true", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{" BASE ",%s}", rows[i].member);
        const char *found = accept(state, text)->unboundable;
        if (rows[i].name == NULL ? found != NULL
                                 : found == NULL || strcmp(found, rows[i].name) != 0)
            fail_msg("%s has no bound for %s", rows[i].member, found != NULL ? found : "nothing");
    }
}

static void names_the_part_without_a_price(void **state)
{
    static const struct {
        const char *member;
        const char *name;
    } rows[] = {
        {"\"audio\":{\"voice\":\"x\"}", "audio"},
        {"\"modalities\":[\"text\",\"audio\"]", "modalities"},
        {"\"modalities\":[\"t\\u0065xt\",\"\\u0061udio\"]", "modalities"},
        {"\"modalities\":[\"image\"]", "modalities"},
        {"\"modalities\":[null]", "modalities"},
        {"\"prediction\":{\"type\":\"content\"}", "prediction"},
        {"\"moderation\":{\"model\":\"x\"}", "moderation"},
        {"\"models\":[\"a\"]", "models"},
        {"\"audio\":{},\"prediction\":{}", "audio"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{" BASE ",%s}", rows[i].member);
        const struct call *call = accept(state, text);
        assert_null(call->unboundable);
        assert_string_equal(call->unpriced, rows[i].name);
    }
}

static void reads_the_tier_asked_for(void **state)
{
    static const struct {
        const char *tier;
        enum service_tier expected;
    } rows[] = {{"null", SERVICE_TIER_STANDARD},
                {"\"auto\"", SERVICE_TIER_STANDARD},
                {"\"default\"", SERVICE_TIER_STANDARD},
                {"\"flex\"", SERVICE_TIER_FLEX},
                {"\"priority\"", SERVICE_TIER_PRIORITY},
                {"\"scale\"", SERVICE_TIER_OTHER},
                {"1", SERVICE_TIER_OTHER},
                {"[\"default\"]", SERVICE_TIER_OTHER}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{" BASE ",\"service_tier\":%s}", rows[i].tier);
        assert_int_equal(accept(state, text)->tier, rows[i].expected);
    }
}

/* vLLM's: choices that are written and thrown away. */
static void best_of_counts_as_choices(void **state)
{
    assert_int_equal(accept(state, "{" BASE ",\"best_of\":5}")->choices, 5);
    assert_int_equal(accept(state, "{" BASE ",\"n\":2,\"best_of\":5}")->choices, 5);
    assert_int_equal(accept(state, "{\"best_of\":2,\"n\":2," BASE "}")->choices, 2);
    refuse(state, "{" BASE ",\"best_of\":2,\"n\":3}", ERR_FIELD_INVALID, "best_of");
    refuse(state, "{" BASE ",\"best_of\":129}", ERR_FIELD_INVALID, "best_of");
}

static void notes_tools_schemas_and_searches(void **state)
{
    const struct call *call = accept(state, "{" BASE ",\"tools\":[{\"type\":\"function\"}],"
                                            "\"functions\":[1]}");
    assert_true(call->has_tools && !call->has_schema && !call->has_searches);
    assert_int_equal(call->structured_bytes, strlen("[{\"type\":\"function\"}]") + 3);
    call = accept(state, "{" BASE ",\"response_format\":{\"type\":\"json_schema\"}}");
    assert_true(call->has_schema && !call->has_tools);
    assert_int_equal(call->structured_bytes, strlen("{\"type\":\"json_schema\"}"));
    call = accept(state, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
                         "\"tool_calls\":[1,2],\"function_call\":{}}]}");
    assert_int_equal(call->structured_bytes, 5 + 2);
    call = accept(state, "{" BASE ",\"response_format\":{\"type\":\"text\"}}");
    assert_false(call->has_schema);
    assert_true(accept(state, "{" BASE ",\"web_search_options\":{}}")->has_searches);
    assert_true(accept(state, "{" BASE ",\"tools\":[{\"type\":\"web\"}]}")->has_searches);
}

static void names_the_content_part_without_bound(void **state)
{
    static const struct {
        const char *message;
        const char *name;
    } rows[] = {
        {"\"content\":[]", NULL},
        {"\"content\":[{\"type\":\"text\",\"text\":\"image_url\"}]", NULL},
        {"\"content\":[{\"text\":\"a\",\"type\":\"text\"},{\"type\":\"image_url\"}]", "image_url"},
        {"\"content\":[{\"typ\\u0065\":\"im\\u0061ge_url\"}]", "image_url"},
        {"\"content\":[{\"type\":\"input_audio\"}]", "input_audio"},
        {"\"content\":[{\"type\":\"thinking\",\"thinking\":[]}]", NULL},
        {"\"content\":[{\"type\":\"file\"}]", "file"},
        {"\"content\":[{\"type\":\"video_url\"}]", "video_url"},
        {"\"content\":[{\"type\":\"image_embeds\"}]", "content part"},
        {"\"content\":[{\"type\":\"text \"}]", "content part"},
        {"\"content\":[{\"type\":\"Text\"}]", "content part"},
        {"\"content\":[{\"type\":null}]", "content part"},
        {"\"content\":[{\"text\":\"x\"}]", "content part"},
        {"\"content\":[{}]", "content part"},
        {"\"audio\":{\"id\":\"audio_1\"}", "audio"},
        {"\"audio\":null", NULL},
        {"\"tool_calls\":[{\"type\":\"image_url\"}],\"name\":\"x\",\"refusal\":null", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",%s}]}",
                 rows[i].message);
        const char *found = accept(state, text)->unboundable;
        if (rows[i].name == NULL ? found != NULL
                                 : found == NULL || strcmp(found, rows[i].name) != 0)
            fail_msg("%s has no bound for %s", rows[i].message, found != NULL ? found : "nothing");
    }
}

/* ---- time ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A body of `count` messages, each with a part inside. */
static double time_messages(size_t count)
{
    struct buf body;
    struct arena arena;
    struct call call;
    struct complaint why;
    buf_init(&body, 1 << 26, 0);
    arena_init(&arena, 1 << 20);
    buf_append(&body, SPAN("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}"));
    for (size_t i = 1; i < count; i++)
        buf_append(&body, SPAN(",{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                               "\"some words of a question, and some more\"}]}"));
    buf_append(&body, SPAN("]}"));
    double best = 1e9;
    for (int round = 0; round < 3; round++) {
        double begun = seconds();
        assert_int_equal(dialect_openai.read_call(buf_span(&body), &arena, &call, &why), ERR_NONE);
        double took = seconds() - begun;
        best = took < best ? took : best;
        assert_int_equal(call.messages, (int64_t)count);
        arena_reset(&arena);
    }
    buf_fini(&body);
    arena_fini(&arena);
    return best;
}

static void time_is_linear_in_the_messages(void **state)
{
    (void)state;
    double some = time_messages(2000);
    double many = time_messages(64000);
    /* 32 times as many; quadratic would be 1024 */
    if (many > some * 32 * 6 + 0.005)
        fail_msg("2000 messages took %.6f s, 64000 took %.6f s", some, many);
}

int test_openai_call(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_least_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_all_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escaped_names_are_the_same_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(null_members_are_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_tools_and_reasoning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_missing_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_models, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_body_that_the_arena_cannot_hold, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_the_part_without_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_part_without_a_price, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_the_tier_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(best_of_counts_as_choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notes_tools_schemas_and_searches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_content_part_without_bound, set_up, tear_down),
        cmocka_unit_test(time_is_linear_in_the_messages),
    };
    return cmocka_run_group_tests_name("llm/openai_call", tests, NULL, NULL);
}
