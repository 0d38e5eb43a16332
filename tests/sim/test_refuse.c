/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused: requests that OpenAI would refuse, names with unknown options, other paths. */
#include "harness.h"

int test_refuse(void);

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"

static void assert_refused(struct harness *harness, const char *body, int status, const char *param)
{
    struct raw_reply reply;
    request(harness, "POST", CHAT, body, &reply);
    if (reply.status != status)
        fail_msg("%d, not %d, for %s", reply.status, status, body);
    struct json *root = parse(buf_span(&reply.body));
    assert_text(root, "error.type", "invalid_request_error");
    assert_text(root, "error.param", param);
    assert_true(json_string(look(root, "error.message")).len > 0);
    assert_non_null(look(root, "error.code"));
    json_free(&root);
    raw_reply_fini(&reply);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *param;
    } cases[] = {
        {"", ""},
        {"{", ""},
        {"[1]", ""},
        {"null", ""},
        {"{\"model\":\"sim\"," MESSAGES "} x", ""},
        {"{" MESSAGES "}", ""},
        {"{\"model\":7," MESSAGES "}", ""},
        {"{\"model\":\"sim\"}", "messages"},
        {"{\"model\":\"sim\",\"messages\":[]}", "messages"},
        {"{\"model\":\"sim\",\"messages\":\"x\"}", "messages"},
        {"{\"model\":\"sim\",\"messages\":[{\"content\":\"x\"}]}", "messages"},
        {"{\"model\":\"sim\",\"messages\":[1]}", "messages"},
        {"{\"model\":\"sim\",\"n\":0," MESSAGES "}", "n"},
        {"{\"model\":\"sim\",\"n\":129," MESSAGES "}", "n"},
        {"{\"model\":\"sim\",\"n\":\"1\"," MESSAGES "}", "n"},
        {"{\"model\":\"sim\",\"max_tokens\":0," MESSAGES "}", "max_tokens"},
        {"{\"model\":\"sim\",\"max_tokens\":1.5," MESSAGES "}", "max_tokens"},
        {"{\"model\":\"sim\",\"max_completion_tokens\":-1," MESSAGES "}", "max_completion_tokens"},
        {"{\"model\":\"sim\",\"stream\":\"yes\"," MESSAGES "}", "stream"},
        {"{\"model\":\"sim\",\"stream_options\":{\"include_usage\":true}," MESSAGES "}",
         "stream_options"},
        {"{\"model\":\"sim:out=1000000\",\"n\":5," MESSAGES "}", ""},
        {"{\"model\":\"sim:over=1\",\"max_tokens\":1000000000," MESSAGES "}", ""},
        {"{\"model\":\"sim:tools\",\"tools\":[{\"function\":{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}]," MESSAGES "}",
         "tools"},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(&harness, cases[i].body, 400, cases[i].param);
    assert_bill(&harness, "requests", sizeof(cases) / sizeof(cases[0]));
    assert_bill(&harness, "billed_requests", 0);
    harness_fini(&harness);
}

static void names_with_unknown_options_do_not_exist(void **state)
{
    (void)state;
    static const char *const names[] = {
        "sim:",
        "sim:outt=1",
        "sim:out",
        "sim:out=",
        "sim:out=-1",
        "sim:out=x",
        "sim:out=1000001",
        "sim:out=1,,in=2",
        "sim:ttft=5",
        "sim:ttft=ms",
        "sim:ttft=s",
        "sim:ttft=1.s",
        "sim:ttft=.5s",
        "sim:ttft=0.5ms",
        "sim:ttft=1.2345s",
        "sim:gap=3600001ms",
        "sim:gap=3601s",
        "sim:gap=1m",
        "sim:status=200",
        "sim:status=600",
        "sim:usage=on",
        "sim:tools=1",
        "sim:gap=99999999999999999s",
        "sim:in=1000000001",
        "sim:status=299",
        "sim:usage=true",
        "sim:error=x",
        "sim:error=html",
        "sim:html=1",
        "sim:giant=0",
        "sim:giant=1GiB",
        "sim:giant=2049MiB",
        "sim:giant=KiB",
        "sim:giant=99999999999999999999",
        "sim:eol=lf",
        "sim:length=",
        "sim:framing=chunked",
        "sim:retry=",
        "sim:retry=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_refused(&harness, chat_body(names[i], ""), 404, "");
    char long_name[300];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_refused(&harness, chat_body(long_name, ""), 404, "");
    long_name[256] = '\0';
    struct json *root = ask_json(&harness, long_name, "");
    json_free(&root);
    harness_fini(&harness);
}

static void the_fault_is_named(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask(&harness, "sim:out=1,gapp=2ms", "", &reply);
    struct span body = buf_span(&reply.body);
    assert_true(span_search(body, SPAN("'gapp=2ms'")) < body.len);
    assert_true(span_search(body, SPAN("\"model_not_found\"")) < body.len);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void other_paths_and_methods(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        int status;
        const char *code;
    } cases[] = {
        {"GET", "/", 404, "unknown_url"},
        {"POST", "/v1/moderations", 404, "unknown_url"},
        {"GET", "/v1/models/sim", 404, "unknown_url"},
        {"GET", CHAT, 405, "method_not_allowed"},
        {"POST", "/v1/models", 405, "method_not_allowed"},
        {"DELETE", "/sim/bill", 405, "method_not_allowed"},
        {"GET", "/sim/reset", 405, "method_not_allowed"},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw_reply reply;
        request(&harness, cases[i].method, cases[i].path, "some body", &reply);
        assert_int_equal(reply.status, cases[i].status);
        struct json *root = parse(buf_span(&reply.body));
        assert_text(root, "error.code", cases[i].code);
        json_free(&root);
        raw_reply_fini(&reply);
    }
    assert_bill(&harness, "requests", 0);
    harness_fini(&harness);
}

static void models_are_listed(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness, "{\"gpt-4o\":{\"input\":\"1\",\"output\":\"1\"},"
                                  "\"*\":{\"input\":\"1\",\"output\":\"1\"}}");
    struct json *root = get_json(&harness, "GET", "/v1/models");
    assert_text(root, "object", "list");
    assert_text(root, "data.0.id", "sim");
    assert_text(root, "data.0.object", "model");
    assert_true(number(root, "data.0.created") > 0);
    assert_text(root, "data.1.id", "gpt-4o");
    assert_null(look(root, "data.2"));
    json_free(&root);
    harness_fini(&harness);
}

static void a_body_may_be_too_large(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    static const char zeros[64 * 1024];
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    raw_client_send_text(client, "POST " CHAT " HTTP/1.1\r\nHost: s\r\n"
                                 "Content-Length: 33554433\r\n\r\n");
    for (int i = 0; i < 512; i++)
        raw_client_send(client, span_make(zeros, sizeof(zeros)));
    raw_client_send(client, SPAN("0"));
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 413);
    raw_reply_fini(&reply);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_malformed_body_is_answered(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    raw_client_send_text(client, "POST " CHAT " HTTP/1.1\r\nHost: s\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 400);
    struct json *root = parse(buf_span(&reply.body));
    assert_text(root, "error.type", "invalid_request_error");
    json_free(&root);
    raw_reply_fini(&reply);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_client_is_told_to_continue(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    raw_client_send_text(client, "POST " CHAT " HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n"
                                 "Expect: 100-continue\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 100);
    raw_reply_fini(&reply);
    raw_client_send_text(client, "{}");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 400);
    raw_reply_fini(&reply);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_malformed_head_is_the_servers(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    raw_client_send_text(client, "nonsense\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 400);
    raw_reply_fini(&reply);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void an_address_in_use_is_an_error(void **state)
{
    (void)state;
    struct harness harness;
    char address[32];
    const char *error = NULL;
    harness_init(&harness);
    snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)sim_port(harness.sim));
    struct sim_settings settings = {.address = address};
    assert_null(sim_start(harness.loop, &settings, &error));
    assert_non_null(error);
    harness_fini(&harness);
}

int test_refuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(names_with_unknown_options_do_not_exist),
        cmocka_unit_test(the_fault_is_named),
        cmocka_unit_test(other_paths_and_methods),
        cmocka_unit_test(models_are_listed),
        cmocka_unit_test(a_body_may_be_too_large),
        cmocka_unit_test(a_malformed_body_is_answered),
        cmocka_unit_test(a_client_is_told_to_continue),
        cmocka_unit_test(a_malformed_head_is_the_servers),
        cmocka_unit_test(an_address_in_use_is_an_error),
    };
    return cmocka_run_group_tests_name("sim/refuse", tests, NULL, NULL);
}
