/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers: their shape, their length, and the ways in which they fail. */
#include "harness.h"

int test_whole(void);

static void an_answer_has_the_shape_of_openai(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:out=3", "");
    assert_true(span_starts_with(json_string(look(root, "id")), SPAN("chatcmpl-")));
    assert_int_equal(json_string(look(root, "id")).len, 38);
    assert_text(root, "object", "chat.completion");
    assert_true(llabs(number(root, "created") - unix_ms() / 1000) <= 10);
    assert_text(root, "model", "sim:out=3");
    assert_text(root, "service_tier", "default");
    assert_true(span_starts_with(json_string(look(root, "system_fingerprint")), SPAN("fp_")));
    assert_int_equal(number(root, "choices.0.index"), 0);
    assert_text(root, "choices.0.message.role", "assistant");
    assert_text(root, "choices.0.message.content", "word word word ");
    assert_null_member(root, "choices.0.message.refusal");
    assert_null_member(root, "choices.0.logprobs");
    assert_text(root, "choices.0.finish_reason", "stop");
    assert_null(look(root, "choices.1"));
    assert_int_equal(number(root, "usage.prompt_tokens"), PROMPT_TOKENS);
    assert_int_equal(number(root, "usage.completion_tokens"), 3);
    assert_int_equal(number(root, "usage.total_tokens"), PROMPT_TOKENS + 3);
    assert_int_equal(number(root, "usage.prompt_tokens_details.cached_tokens"), 0);
    assert_int_equal(number(root, "usage.prompt_tokens_details.audio_tokens"), 0);
    assert_int_equal(number(root, "usage.completion_tokens_details.reasoning_tokens"), 0);
    json_free(&root);
    harness_fini(&harness);
}

static void any_other_name_is_a_plain_answer(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    const char *const names[] = {"sim", "gpt-4o", "simulator:out=1", "caf\\u00e9 \\\"x\\\""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct json *root = ask_json(&harness, names[i], "");
        assert_int_equal(number(root, "usage.completion_tokens"), 64);
        assert_int_equal(json_string(look(root, "choices.0.message.content")).len, 64 * 5);
        json_free(&root);
    }
    struct json *root = ask_json(&harness, names[3], "");
    assert_text(root, "model", "caf\u00e9 \"x\"");
    json_free(&root);
    harness_fini(&harness);
}

/* The requests of one connection, one after the other, and ids that differ. */
static void a_connection_is_kept(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply first, second;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:out=1", "");
    raw_client_read_reply(client, false, &first);
    send_request(client, "POST", CHAT "?x=1", chat_body("sim:out=1", ""));
    raw_client_read_reply(client, false, &second);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.status, 200);
    assert_false(span_equal(buf_span(&first.body), buf_span(&second.body)));
    raw_reply_fini(&first);
    raw_reply_fini(&second);
    raw_client_free(&client);
    harness_fini(&harness);
}

struct length_case {
    const char *model;
    const char *extra;
    int64_t tokens;
    const char *finish_reason;
};

static void limits_are_honoured(void **state)
{
    (void)state;
    static const struct length_case cases[] = {
        {"sim:out=200", "", 200, "stop"},
        {"sim:out=0", "", 0, "stop"},
        {"sim:out=20", ",\"max_tokens\":20", 20, "stop"},
        {"sim:out=20", ",\"max_tokens\":7", 7, "length"},
        {"sim:out=20", ",\"max_completion_tokens\":7", 7, "length"},
        {"sim:out=20", ",\"max_tokens\":9,\"max_completion_tokens\":8", 8, "length"},
        {"sim:out=20", ",\"max_tokens\":8,\"max_completion_tokens\":9", 8, "length"},
        {"sim:out=20", ",\"max_tokens\":null,\"max_completion_tokens\":null", 20, "stop"},
        {"sim:out=20,over=5", ",\"max_tokens\":7", 12, "length"},
        {"sim:out=2,over=5", ",\"max_tokens\":7", 12, "length"},
        {"sim:out=20,over=5", "", 20, "stop"},
        {"sim:out=65", ",\"stream\":false,\"stream_options\":null,\"n\":null", 65, "stop"},
        {"sim:out=1000000", "", 1000000, "stop"},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json *root = ask_json(&harness, cases[i].model, cases[i].extra);
        assert_int_equal(number(root, "usage.completion_tokens"), cases[i].tokens);
        assert_int_equal(json_string(look(root, "choices.0.message.content")).len,
                         cases[i].tokens * 5);
        assert_text(root, "choices.0.finish_reason", cases[i].finish_reason);
        json_free(&root);
    }
    harness_fini(&harness);
}

static void every_choice_is_written_and_billed(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:out=9", ",\"n\":3,\"max_tokens\":2");
    for (int64_t i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof(path), "choices.%lld.index", (long long)i);
        assert_int_equal(number(root, path), i);
        snprintf(path, sizeof(path), "choices.%lld.message.content", (long long)i);
        assert_text(root, path, "word word ");
    }
    assert_null(look(root, "choices.3"));
    assert_int_equal(number(root, "usage.completion_tokens"), 6);
    assert_bill(&harness, "completion_tokens", 6);
    json_free(&root);
    harness_fini(&harness);
}

static void usage_is_what_the_name_says(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:in=1000,cached=400,out=1", "");
    assert_int_equal(number(root, "usage.prompt_tokens"), 1000);
    assert_int_equal(number(root, "usage.total_tokens"), 1001);
    assert_int_equal(number(root, "usage.prompt_tokens_details.cached_tokens"), 400);
    json_free(&root);
    root = ask_json(&harness, "sim:cached=400", "");
    assert_int_equal(number(root, "usage.prompt_tokens_details.cached_tokens"), PROMPT_TOKENS);
    json_free(&root);
    root = ask_json(&harness, "sim:usage=off,out=7", "");
    assert_null(look(root, "usage"));
    json_free(&root);
    assert_bill(&harness, "completion_tokens", 1 + 64 + 7);
    assert_bill(&harness, "prompt_tokens", 1000 + 2 * PROMPT_TOKENS);
    assert_bill(&harness, "cached_tokens", 400 + PROMPT_TOKENS);
    harness_fini(&harness);
}

struct prompt_case {
    const char *messages;
    int64_t tokens;
};

static void prompts_are_counted_by_the_documented_rule(void **state)
{
    (void)state;
    static const struct prompt_case cases[] = {
        {"{\"role\":\"user\"}", 3 + 4},
        {"{\"role\":\"user\",\"content\":\"\"}", 3 + 4},
        {"{\"role\":\"user\",\"content\":\"a\"}", 3 + 4 + 1},
        {"{\"role\":\"user\",\"content\":\"abcd\"}", 3 + 4 + 1},
        {"{\"role\":\"user\",\"content\":\"abcde\"}", 3 + 4 + 2},
        {"{\"role\":\"system\",\"content\":null},{\"role\":\"user\",\"content\":\"abcd\"}",
         3 + 4 + 5},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"abc\"},"
         "{\"type\":\"image_url\"},{\"type\":\"text\",\"text\":\"de\"}]}",
         3 + 4 + 2},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        struct raw_reply reply;
        int size = snprintf(body, sizeof(body), "{\"model\":\"sim\",\"messages\":[%s]}",
                            cases[i].messages);
        request(&harness, "POST", CHAT, body, &reply);
        struct json *root = parse(buf_span(&reply.body));
        assert_int_equal(number(root, "usage.prompt_tokens"), cases[i].tokens);
        assert_true(cases[i].tokens <= size);
        json_free(&root);
        raw_reply_fini(&reply);
    }
    harness_fini(&harness);
}

/* ---- tools ---- */

#define TOOLS                                                                     \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather_at\"}}," \
    "{\"type\":\"function\",\"function\":{\"name\":\"other\"}}]"

static void a_tool_is_called(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:tools", TOOLS);
    assert_null_member(root, "choices.0.message.content");
    const char *call = "choices.0.message.tool_calls.0";
    assert_true(span_starts_with(json_string(json_get(look(root, call), "id")), SPAN("call_")));
    assert_text(look(root, call), "type", "function");
    assert_text(look(root, call), "function.name", "weather_at");
    assert_text(look(root, call), "function.arguments", "{\"city\":\"Paris\"}");
    assert_text(root, "choices.0.finish_reason", "tool_calls");
    assert_int_equal(number(root, "usage.completion_tokens"), 5);
    json_free(&root);

    root = ask_json(&harness, "sim:tools", ",\"max_tokens\":3");
    assert_text(look(root, call), "function.name", "get_weather");
    assert_text(look(root, call), "function.arguments", "{\"city\":\"");
    assert_text(root, "choices.0.finish_reason", "length");
    json_free(&root);

    root = ask_json(&harness, "sim:tools,over=2", ",\"max_tokens\":5");
    assert_text(look(root, call), "function.arguments", "{\"city\":\"Paris\"}  ");
    assert_int_equal(number(root, "usage.completion_tokens"), 7);
    json_free(&root);
    harness_fini(&harness);
}

static void no_tool_is_called_when_it_may_not(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:tools", TOOLS ",\"tool_choice\":\"none\"");
    assert_text(root, "choices.0.finish_reason", "stop");
    assert_null(look(root, "choices.0.message.tool_calls"));
    json_free(&root);
    root = ask_json(&harness, "sim", TOOLS);
    assert_null(look(root, "choices.0.message.tool_calls"));
    json_free(&root);
    request(&harness, "POST", CHAT,
            "{\"model\":\"sim:tools\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
            "{\"role\":\"tool\",\"content\":\"sunny\"}]}",
            &reply);
    root = parse(buf_span(&reply.body));
    assert_text(root, "choices.0.finish_reason", "stop");
    json_free(&root);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

/* ---- failures ---- */

static void an_error_is_answered_and_not_billed(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int status;
        const char *type;
        const char *code; /* or NULL */
    } cases[] = {
        {"sim:status=400", 400, "invalid_request_error", NULL},
        {"sim:status=401", 401, "invalid_request_error", "invalid_api_key"},
        {"sim:status=404,out=1", 404, "invalid_request_error", "model_not_found"},
        {"sim:status=429", 429, "requests", "rate_limit_exceeded"},
        {"sim:status=500", 500, "server_error", NULL},
        {"sim:ttft=5ms,status=503", 503, "server_error", NULL},
        {"sim:status=599", 599, "server_error", NULL},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw_reply reply;
        ask(&harness, cases[i].model, i % 2 == 0 ? "" : ",\"stream\":true", &reply);
        assert_int_equal(reply.status, cases[i].status);
        struct json *root = parse(buf_span(&reply.body));
        assert_text(root, "error.type", cases[i].type);
        assert_text(root, "error.code", cases[i].code != NULL ? cases[i].code : "");
        assert_true(json_string(look(root, "error.message")).len > 0);
        assert_null_member(root, "error.param");
        json_free(&root);
        raw_reply_fini(&reply);
    }
    assert_bill(&harness, "requests", 7);
    assert_bill(&harness, "billed_requests", 0);
    assert_bill(&harness, "nano_usd", 0);
    assert_bill(&harness, "open", 0);
    harness_fini(&harness);
}

static void a_cut_answer_breaks_and_is_billed(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask(&harness, "sim:cut=100,stall=100", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_false(reply.complete);
    assert_int_equal(buf_len(&reply.body), 100);
    raw_reply_fini(&reply);
    assert_bill(&harness, "completion_tokens", 64);

    struct raw_client *client = begin(&harness, "sim:cut=0", "");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    raw_client_free(&client);
    assert_bill(&harness, "completion_tokens", 128);
    assert_bill(&harness, "cancelled", 0);
    assert_bill(&harness, "open", 0);

    struct json *root = ask_json(&harness, "sim:cut=100000", "");
    json_free(&root);
    harness_fini(&harness);
}

static void a_stalled_answer_stays_open(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *part = begin(&harness, "sim:stall=10,cut=11", "");
    struct raw_client *nothing = begin(&harness, "sim:stall=0", "");
    raw_client_read_until(part, "{\"id\":\"cha\r\n");
    raw_run_for(harness.loop, 50);
    raw_client_poll(part);
    raw_client_poll(nothing);
    assert_true(span_ends_with(raw_client_received(part), SPAN("{\"id\":\"cha\r\n")));
    assert_int_equal(raw_client_received(nothing).len, 0);
    assert_false(raw_client_ended(part));
    assert_false(raw_client_ended(nothing));
    assert_bill(&harness, "open", 2);
    assert_bill(&harness, "completion_tokens", 128);
    raw_client_free(&part);
    raw_client_free(&nothing);
    harness_fini(&harness);
}

static void the_first_byte_takes_its_time(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    int64_t start_ms = now_ms();
    struct json *root = ask_json(&harness, "sim:ttft=60ms,out=1", "");
    assert_true(now_ms() - start_ms >= 59);
    json_free(&root);
    start_ms = now_ms();
    root = ask_json(&harness, "sim:ttft=0.06s,out=1", "");
    assert_true(now_ms() - start_ms >= 59);
    json_free(&root);
    harness_fini(&harness);
}

int test_whole(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_the_shape_of_openai),
        cmocka_unit_test(any_other_name_is_a_plain_answer),
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(limits_are_honoured),
        cmocka_unit_test(every_choice_is_written_and_billed),
        cmocka_unit_test(usage_is_what_the_name_says),
        cmocka_unit_test(prompts_are_counted_by_the_documented_rule),
        cmocka_unit_test(a_tool_is_called),
        cmocka_unit_test(no_tool_is_called_when_it_may_not),
        cmocka_unit_test(an_error_is_answered_and_not_billed),
        cmocka_unit_test(a_cut_answer_breaks_and_is_billed),
        cmocka_unit_test(a_stalled_answer_stays_open),
        cmocka_unit_test(the_first_byte_takes_its_time),
    };
    return cmocka_run_group_tests_name("sim/whole", tests, NULL, NULL);
}
