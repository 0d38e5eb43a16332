/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that are refused, by the step that says no, and clients that leave. In each case no
 * second request goes upstream, the hold ends once, and the budget shows what was spent.
 */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sends a whole request as it is and reads the reply. */
static void request(struct gateway_fixture *fixture, const char *text, struct raw_reply *reply)
{
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client, text);
    raw_client_read_reply(client, false, reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

static void assert_refused(const struct raw_reply *reply, int status, const char *code)
{
    assert_int_equal(reply->status, status);
    assert_contains(buf_span(&reply->body), "{\"error\":{\"message\":\"");
    assert_contains(buf_span(&reply->body), code);
    assert_span(raw_reply_field(reply, SPAN("content-type")), "application/json");
    assert_int_equal(raw_reply_field(reply, SPAN("x-request-id")).len, 30);
}

#define POST_HEAD "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n"
#define KEY_LINE  "Authorization: Bearer " FIXTURE_KEY "\r\n"
#define TYPE_LINE "Content-Type: application/json\r\n"

/* ---- ADMIT ---- */

static const struct {
    const char *request;
    int status;
    const char *code;
} heads[] = {
    {POST_HEAD TYPE_LINE "Content-Length: 2\r\n\r\n{}", 401, "invalid_api_key"},
    {POST_HEAD TYPE_LINE "Authorization: Bearer weir_tesT\r\nContent-Length: 2\r\n\r\n{}", 401,
     "invalid_api_key"},
    {POST_HEAD TYPE_LINE "Authorization: Basic weir_test\r\nContent-Length: 2\r\n\r\n{}", 401,
     "invalid_api_key"},
    {POST_HEAD TYPE_LINE KEY_LINE KEY_LINE "Content-Length: 2\r\n\r\n{}", 400, "ambiguous_api_key"},
    {POST_HEAD TYPE_LINE KEY_LINE "x-api-key: other\r\nContent-Length: 2\r\n\r\n{}", 400,
     "ambiguous_api_key"},
    {POST_HEAD KEY_LINE "Content-Length: 2\r\n\r\n{}", 415, "unsupported_media_type"},
    {POST_HEAD KEY_LINE "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415,
     "unsupported_media_type"},
    {POST_HEAD KEY_LINE
     "Content-Type: application/json; charset=utf-16\r\nContent-Length: 2\r\n\r\n{}",
     415, "unsupported_media_type"},
    {POST_HEAD KEY_LINE TYPE_LINE "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415,
     "unsupported_content_encoding"},
    {POST_HEAD KEY_LINE TYPE_LINE "Content-Length: 65537\r\n\r\n", 413, "body_too_large"},
    {"GET /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n" KEY_LINE "\r\n", 405,
     "method_not_allowed"},
    {"POST /v1/batches HTTP/1.1\r\nHost: weir\r\n" KEY_LINE TYPE_LINE "Content-Length: 2\r\n\r\n{}",
     404, "not_found"},
    {"POST /v1/chat/completions/ HTTP/1.1\r\nHost: weir\r\n" KEY_LINE TYPE_LINE
     "Content-Length: 2\r\n\r\n{}",
     404, "not_found"},
    {"GET /v1/%2e%2e/metrics HTTP/1.1\r\nHost: weir\r\n" KEY_LINE "\r\n", 404, "not_found"},
};

static void admit_refuses_heads(void **state)
{
    struct gateway_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct raw_reply reply;
        request(fixture, heads[i].request, &reply);
        assert_refused(&reply, heads[i].status, heads[i].code);
        raw_reply_fini(&reply);
    }
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 0);
    assert_budget(fixture, 0, 0, 0);
}

static void a_bad_key_is_refused_before_its_body(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    request(fixture,
            POST_HEAD TYPE_LINE "Authorization: Bearer wrong\r\nExpect: 100-continue\r\n"
                                "Content-Length: 1000\r\n\r\n",
            &reply);
    assert_refused(&reply, 401, "invalid_api_key"); /* and no 100 before it */
    raw_reply_fini(&reply);
}

static void a_good_key_is_told_to_continue(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client, POST_HEAD TYPE_LINE KEY_LINE
                         "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    raw_client_read_until(client, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_client_send_text(client, "[]");
    raw_client_read_until(client, "invalid");
    raw_client_free(&client);
}

static void rates_and_concurrency_are_limited(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture, CONFIG_MODELS
                           "tenants:\n  t:\n    limits: {requests_per_minute: 2}\n" CONFIG_KEY);
    get(fixture, "/v1/models", &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-ratelimit-limit-requests")), "2");
    assert_span(raw_reply_field(&reply, SPAN("x-ratelimit-remaining-requests")), "1");
    raw_reply_fini(&reply);
    get(fixture, "/v1/models", &reply);
    raw_reply_fini(&reply);
    get(fixture, "/v1/models", &reply);
    assert_refused(&reply, 429, "rate_limit_exceeded");
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "30");
    assert_span(raw_reply_field(&reply, SPAN("x-ratelimit-remaining-requests")), "0");
    raw_reply_fini(&reply);
}

#define GOOD_ANSWER                                                                               \
    "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\","       \
    "\"message\":{\"role\":\"assistant\",\"content\":\"Hi.\"}}],\"usage\":{\"prompt_tokens\":13," \
    "\"completion_tokens\":7,\"total_tokens\":20}}"

/* 13 tokens in (13 by the formula of gpt-4o and its kind, which these models are not: an estimate, but
 * near), up to 50 out. */
static void tokens_are_limited_and_put_right(void **state)
{
    static char bytes[1024];
    struct gateway_fixture *fixture = *state;
    struct script_step script[] = {SCRIPT_REQUEST, http_json(bytes, 200, GOOD_ANSWER),
                                   SCRIPT_AGAIN};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_reload(fixture, CONFIG_MODELS
                           "tenants:\n  t:\n    limits: {tokens_per_minute: 100}\n" CONFIG_KEY);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("x-ratelimit-limit-tokens")), "100");
    raw_reply_fini(&reply);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":80"), &reply);
    assert_refused(&reply, 429, "rate_limit_exceeded"); /* 20 used, 80 left, some 93 wanted */
    assert_contains(buf_span(&reply.body), "\"type\":\"tokens\"");
    assert_contains(buf_span(&reply.body), "tokens per minute: limit 100, remaining 80");
    assert_true(raw_reply_field(&reply, SPAN("retry-after-ms")).len > 0);
    raw_reply_fini(&reply);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 200); /* 60 left of it after */
    raw_reply_fini(&reply);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":60"), &reply);
    assert_refused(&reply, 429, "rate_limit_exceeded");
    raw_reply_fini(&reply);
}

/* A refusal after LIMIT gives back what LIMIT took. */
static void tokens_come_back_from_what_was_not_sent(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture, CONFIG_MODELS
                           "tenants:\n  t:\n    limits: {tokens_per_minute: 100}\n"
                           "    budgets: [{name: total, window: total, usd: 0}]\n" CONFIG_KEY);
    for (int i = 0; i < 3; i++) {
        gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":60"), &reply);
        assert_refused(&reply, 402, "budget_exceeded");
        raw_reply_fini(&reply);
    }
}

static void long_prompts_are_refused_with_their_count(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture,
                           CONFIG_MODELS "tenants:\n  t:\n    max_input_tokens: 5\n" CONFIG_KEY);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":60"), &reply);
    assert_refused(&reply, 400, "context_length_exceeded");
    assert_contains(buf_span(&reply.body), "this key may send 5 in one request");
    raw_reply_fini(&reply);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 0);
}

static void concurrency_is_limited_and_given_back(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture, CONFIG_MODELS
                           "tenants:\n  t:\n    limits: {concurrent: 1}\n" CONFIG_KEY);
    struct raw_client *busy = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(busy, POST_HEAD KEY_LINE TYPE_LINE "Content-Length: 9\r\n\r\n{");
    raw_run_for(fixture->loop, 20);
    struct raw_client *second = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(second, "GET /v1/models HTTP/1.1\r\nHost: w\r\n" KEY_LINE "\r\n");
    raw_client_read_reply(second, false, &reply);
    assert_refused(&reply, 429, "rate_limit_exceeded");
    raw_reply_fini(&reply);
    raw_client_free(&second);
    raw_client_free(&busy);
    gateway_fixture_settle(fixture);
    get(fixture, "/v1/models", &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
}

/* ---- PARSE, COUNT ---- */

static const struct {
    const char *body;
    int status;
    const char *code;
} bodies[] = {
    {"", 400, "invalid_json"},
    {"{\"model\":\"small\",", 400, "invalid_json"},
    {"{\"model\":\"small\",\"model\":\"hidden\",\"messages\":[]}", 400, "invalid_json"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400, "missing_required_parameter"},
    {"{\"model\":\"small\"}", 400, "missing_required_parameter"},
    {CHAT("\"max_tokens\":\"100\""), 400, "invalid_value"},
    {CHAT("\"max_tokens\":1,\"max_completion_tokens\":2"), 400, "invalid_value"},
    {CHAT("\"stream\":\"true\""), 400, "invalid_value"},
    {"{\"model\":\"none\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404,
     "model_not_found"},
    {"{\"model\":\"Small\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404,
     "model_not_found"},
    {"{\"model\":\"hidden\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404,
     "model_not_found"},
    {"{\"model\":\"unpriced\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400,
     "model_not_priced"},
    {"{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"http://x/\"}}]}]}",
     400, "not_boundable"},
    {CHAT("\"service_tier\":\"priority\""), 400, "not_boundable"},
    {CHAT("\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":\"a\"}"), 400, "not_boundable"},
    {CHAT("\"tools\":[{\"type\":\"web_search\"}]"), 400, "not_boundable"},
};

static void parse_and_count_refuse_bodies(void **state)
{
    struct gateway_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct raw_reply reply;
        gateway_fixture_exchange(fixture, bodies[i].body, &reply);
        assert_refused(&reply, bodies[i].status, bodies[i].code);
        raw_reply_fini(&reply);
    }
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 0);
    assert_budget(fixture, 0, 0, 0);
}

static void a_chunked_body_over_the_limit_is_cut_off(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    struct raw_reply reply;
    char piece[4096 + 16];
    int size = sprintf(piece, "1000\r\n");
    memset(piece + size, ' ', 4096);
    memcpy(piece + size + 4096, "\r\n", 2);
    raw_client_send_text(client, POST_HEAD KEY_LINE TYPE_LINE "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++)
        raw_client_send(client, span_make(piece, (size_t)size + 4096 + 2));
    raw_client_read_reply(client, false, &reply);
    assert_refused(&reply, 413, "body_too_large");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

static void a_body_that_stalls_is_408(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    request(fixture, POST_HEAD KEY_LINE TYPE_LINE "Content-Length: 100\r\n\r\n{", &reply);
    assert_refused(&reply, 408, "body_timeout");
    raw_reply_fini(&reply);
}

/* ---- RESERVE ---- */

#define CONFIG_BUDGET(usd, more)                                                              \
    CONFIG_MODELS "tenants:\n  t:\n    budgets: [{name: total, window: total, usd: " usd more \
                  "}]\n" CONFIG_KEY

static void a_spent_budget_is_402(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture, CONFIG_BUDGET("0.00001", ""));
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 402, "budget_exceeded");
    assert_span(raw_reply_field(&reply, SPAN("x-should-retry")), "false");
    assert_contains(buf_span(&reply.body), "insufficient_quota");
    assert_contains(raw_reply_field(&reply, SPAN("x-weir-budget")), "name=total;");
    raw_reply_fini(&reply);
    gateway_fixture_reload(fixture, CONFIG_BUDGET("0.00001", ", status: 429"));
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 429, "budget_exceeded");
    raw_reply_fini(&reply);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 0);
}

static void money_held_by_others_is_429_busy(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step hold[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, hold);
    gateway_fixture_reload(fixture, CONFIG_BUDGET("0.0006", ", max_hold: 100%, budget_wait: 0s"));
    struct raw_client *first = raw_client_connect(fixture->loop, fixture->port);
    struct raw_client *second = raw_client_connect(fixture->loop, fixture->port);
    struct raw_reply reply;
    gateway_fixture_post(fixture, first, CHAT("\"max_tokens\":200"));
    raw_run_for(fixture->loop, 20);
    gateway_fixture_post(fixture, second, CHAT("\"max_tokens\":200"));
    raw_client_read_reply(second, false, &reply);
    assert_refused(&reply, 429, "budget_busy");
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "1");
    raw_reply_fini(&reply);
    raw_client_free(&second);
    raw_client_free(&first);
    gateway_fixture_settle(fixture);
}

static void a_wish_is_cut_to_what_is_left(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step close_it[] = {SCRIPT_REQUEST, SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, close_it);
    gateway_fixture_reload(fixture, CONFIG_BUDGET("0.001", ", max_hold: 100%"));
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":1000"), &reply);
    assert_refused(&reply, 502, "upstream_broken");
    struct span clamped = raw_reply_field(&reply, SPAN("x-weir-max-tokens"));
    char expected[64];
    snprintf(expected, sizeof expected, "\"max_tokens\":%.*s", SPAN_ARG(clamped));
    assert_true(clamped.len == 3); /* (1,000,000 − input) / 2,000: less than 500 */
    assert_contains(scripted_upstream_body(fixture->upstream, 0), expected);
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.committed_nusd <= 1000000);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

/* ---- FORWARD ---- */

static void a_provider_that_is_not_there_costs_nothing(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    scripted_upstream_free(&fixture->upstream);
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 502, "upstream_unreachable");
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0);
}

static void a_silent_provider_is_504_and_uncertain(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 504, "upstream_timeout");
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0 && view.held_nusd == 0);
}

static void a_redirect_is_not_followed(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step redirect[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\n"
                                    "Content-Length: 0\r\n\r\n")};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, redirect);
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 502, "upstream_status");
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0);
}

static void a_coded_answer_cannot_be_metered(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step coded[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx")};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, coded);
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_refused(&reply, 502, "upstream_broken");
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0 && view.held_nusd == 0);
}

/* ---- the client leaves ---- */

static void leaving_in_the_body_costs_nothing(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client, POST_HEAD KEY_LINE TYPE_LINE "Content-Length: 100\r\n\r\n{");
    raw_run_for(fixture->loop, 20);
    raw_client_reset(client);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    assert_budget(fixture, 0, 0, 0);
}

static bool upstream_was_left(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_connection(fixture->upstream, 0).peer_closed;
}

static bool upstream_holds(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_holding(fixture->upstream) == 1;
}

static void left_is_settled(struct gateway_fixture *fixture)
{
    raw_run_until(fixture->loop, upstream_was_left, fixture, "the cancelled attempt");
    gateway_fixture_settle(fixture);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

static void leaving_before_the_answer_cancels_it(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step hold[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, hold);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    raw_client_close(client); /* FIN: it is found out by a probe */
    left_is_settled(fixture);
    raw_client_free(&client);
}

static void leaving_in_a_stream_cancels_it(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
        SCRIPT_HOLD};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    raw_client_read_until(client, "Hi");
    raw_client_close(client);
    left_is_settled(fixture);
    raw_client_free(&client);
}

static void a_half_closed_client_gets_its_answer(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    static const struct script_step hold = SCRIPT_HOLD;
    struct script_step script[] = {SCRIPT_REQUEST, hold, http_json(bytes, 200, "{\"choices\":[]}")};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    raw_client_shut(client);
    raw_run_for(fixture->loop, 60);
    scripted_upstream_release(fixture->upstream);
    raw_client_read_until(client, "{\"choices\":[]}");
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

/* ---- the gateway leaves ---- */

static bool is_set(void *argument)
{
    return *(bool *)argument;
}

static void set(void *argument)
{
    *(bool *)argument = true;
}

static void draining_lets_finish_and_interrupting_ends(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step hold[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    bool drained = false;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, hold);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    gateway_worker_drain(fixture->worker, set, &drained);
    raw_run_for(fixture->loop, 20);
    assert_false(drained);
    gateway_worker_interrupt(fixture->worker);
    raw_client_read_reply(client, false, &reply);
    assert_refused(&reply, 503, "draining");
    raw_reply_fini(&reply);
    raw_run_until(fixture->loop, is_set, &drained, "the drain");
    raw_client_free(&client);
}

int test_refusals(void);
int test_refusals(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(admit_refuses_heads),
        WITH_GATEWAY(a_bad_key_is_refused_before_its_body),
        WITH_GATEWAY(a_good_key_is_told_to_continue),
        WITH_GATEWAY(rates_and_concurrency_are_limited),
        WITH_GATEWAY(tokens_are_limited_and_put_right),
        WITH_GATEWAY(tokens_come_back_from_what_was_not_sent),
        WITH_GATEWAY(long_prompts_are_refused_with_their_count),
        WITH_GATEWAY(concurrency_is_limited_and_given_back),
        WITH_GATEWAY(parse_and_count_refuse_bodies),
        WITH_GATEWAY(a_chunked_body_over_the_limit_is_cut_off),
        WITH_GATEWAY(a_body_that_stalls_is_408),
        WITH_GATEWAY(a_spent_budget_is_402),
        WITH_GATEWAY(money_held_by_others_is_429_busy),
        WITH_GATEWAY(a_wish_is_cut_to_what_is_left),
        WITH_GATEWAY(a_provider_that_is_not_there_costs_nothing),
        WITH_GATEWAY(a_silent_provider_is_504_and_uncertain),
        WITH_GATEWAY(a_redirect_is_not_followed),
        WITH_GATEWAY(a_coded_answer_cannot_be_metered),
        WITH_GATEWAY(leaving_in_the_body_costs_nothing),
        WITH_GATEWAY(leaving_before_the_answer_cancels_it),
        WITH_GATEWAY(leaving_in_a_stream_cancels_it),
        WITH_GATEWAY(a_half_closed_client_gets_its_answer),
        WITH_GATEWAY(draining_lets_finish_and_interrupting_ends),
    };
    return cmocka_run_group_tests_name("gateway/refusals", tests, NULL, NULL);
}
