/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How exchanges end beyond the plain cases: slow readers, clients that leave in the middle, answers
 * that are too large, broken, empty or of another kind than was asked for, several choices under a
 * budget, and connections that serve one exchange after the other.
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

#define MIB ((size_t)1024 * 1024)

#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define EVENT_HI "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
#define EVENT_FINISH \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define FIGURES     "\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30"
#define EVENT_USAGE "data: {\"choices\":[],\"usage\":{" FIGURES "}}\n\n"
#define EVENT_DONE  "data: [DONE]\n\n"
#define ENDS_WELL   EVENT_FINISH EVENT_USAGE EVENT_DONE
/* 10 × 1,000 + 20 × 2,000 */
#define USAGE_NUSD 50000

#define WHOLE_ANSWER "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{" FIGURES "}}"

#define POST_HEAD(length)                                                                    \
    "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer " FIXTURE_KEY \
    "\r\nContent-Type: application/json\r\nContent-Length: " length "\r\n\r\n"

/* ---- what the tests share ---- */

static bool upstream_holds(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_holding(fixture->upstream) == 1;
}

static bool upstream_was_left(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_connection(fixture->upstream, 0).peer_closed;
}

static struct budget_view look(struct gateway_fixture *fixture)
{
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    return view;
}

/* Without usage: a part is counted, the rest of the hold is uncertain, and nothing is lost. */
static void assert_counted(struct gateway_fixture *fixture)
{
    struct budget_view view = look(fixture);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0);
    assert_int_equal(view.held_nusd, 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_COST), view.spent_nusd);
}

/* The same with the patience that slow readers need. */
static void be_patient(struct gateway_fixture *fixture)
{
    gateway_fixture_reload(
        fixture, "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\n"
                 "providers:\n  scripted: {kind: openai, base_url: '%s', api_key: secret}\n"
                 "models:\n  small: {targets: [{provider: scripted, model: up-small}],\n"
                 "    price: {input: 1, output: 2}, context_window: 100000, hidden_input: 0}\n"
                 "tenants:\n  t:\n"
                 "    budgets: [{name: total, window: total, usd: 1.00}]\n" CONFIG_KEY);
}

/* ---- slow readers ---- */

/* A close-delimited stream of at least `size` bytes that ends well; freed by the caller. */
static char *long_stream(size_t size)
{
    static const char event[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
    size_t each = 8 * 1024;
    char *text = malloc(size + 2 * each);
    char *at = text + sprintf(text, SSE_HEAD);
    while ((size_t)(at - text) < size) {
        at += sprintf(at, "%s", event);
        memset(at, 'x', each - 128);
        at += each - 128;
        at += sprintf(at, "\"}}]}\n\n");
    }
    sprintf(at, ENDS_WELL);
    return text;
}

static struct script_step text_step(const char *text)
{
    return (struct script_step){SCRIPT_KIND_SEND, text, strlen(text), SIZE_MAX};
}

static size_t upstream_sent(struct gateway_fixture *fixture)
{
    return scripted_upstream_connection(fixture->upstream, 0).sent;
}

/* Turns the loop until the provider cannot send any more: the whole way is full. */
static size_t run_until_stuck(struct gateway_fixture *fixture)
{
    size_t sent = 0;
    for (int quiet = 0; quiet < 3; quiet++) {
        raw_run_for(fixture->loop, 50);
        if (upstream_sent(fixture) != sent)
            quiet = 0;
        sent = upstream_sent(fixture);
    }
    return sent;
}

/* Posts a stream and reads nothing of it. */
static struct raw_client *start_slowly(struct gateway_fixture *fixture)
{
    be_patient(fixture);
    struct raw_client *client = raw_client_connect_slow(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    return client;
}

static void a_slow_reader_slows_its_provider_down(void **state)
{
    struct gateway_fixture *fixture = *state;
    char *text = long_stream(32 * MIB);
    struct script_step script[] = {SCRIPT_REQUEST, text_step(text), SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = start_slowly(fixture);
    /* What is under way lies in the kernel's buffers; the gateway itself keeps a quarter of a MiB. */
    assert_true(run_until_stuck(fixture) < 24 * MIB);
    assert_true(look(fixture).held_nusd > 0);
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    raw_client_free(&client);
    assert_true(reply.complete);
    struct span body = span_from(span_from_string(text), strlen(SSE_HEAD));
    struct span kept = span_make(body.ptr, body.len - strlen(EVENT_USAGE EVENT_DONE));
    assert_int_equal(buf_len(&reply.body), kept.len + strlen(EVENT_DONE));
    assert_memory_equal(buf_span(&reply.body).ptr, kept.ptr, kept.len);
    raw_reply_fini(&reply);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
    free(text);
}

static void leaving_while_the_provider_is_paused_cancels_it(void **state)
{
    struct gateway_fixture *fixture = *state;
    char *text = long_stream(32 * MIB);
    struct script_step script[] = {SCRIPT_REQUEST, text_step(text), SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = start_slowly(fixture);
    run_until_stuck(fixture);
    raw_client_reset(client);
    raw_run_until(fixture->loop, upstream_was_left, fixture, "the cancelled attempt");
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    struct budget_view view =
        look(fixture); /* so much was delivered that all of it may be counted */
    assert_true(view.spent_nusd > 0 && view.held_nusd == 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
    free(text);
}

static void a_large_whole_answer_waits_for_its_reader_too(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n"),
        SCRIPT_FLOOD(32 * 1024 * 1024), SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect_slow(fixture->loop, fixture->port);
    be_patient(fixture);
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    assert_true(run_until_stuck(fixture) < 24 * MIB);
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_int_equal(buf_len(&reply.body), 32 * MIB); /* too large to be read for its usage */
    raw_reply_fini(&reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
    struct budget_view view = look(fixture);
    assert_true(view.spent_nusd > 0 && view.held_nusd == 0); /* counted: as much as was held */
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

/* ---- answers that break or are odd ---- */

static void exchange_of(struct gateway_fixture *fixture, const struct script_step *script,
                        size_t count, const char *body, struct raw_reply *reply)
{
    scripted_upstream_play(fixture->upstream, script, count);
    gateway_fixture_exchange(fixture, body, reply);
}
#define EXCHANGE(fixture, script, body, reply) \
    exchange_of(fixture, script, sizeof(script) / sizeof((script)[0]), body, reply)

static void an_event_that_never_ends_breaks_the_stream(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_FLOOD(2 * 1024 * 1024), SCRIPT_HOLD};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"stream\":true"), &reply);
    assert_false(reply.complete);
    assert_contains(buf_span(&reply.body), EVENT_HI "data: {\"error\":{");
    assert_contains(buf_span(&reply.body), "upstream_broken");
    assert_true(buf_len(&reply.body) < 1024); /* nothing of the event */
    raw_reply_fini(&reply);
    assert_counted(fixture);
    assert_true(upstream_was_left(fixture));
}

static void a_large_answer_that_is_cut_is_no_good_end(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n"),
        SCRIPT_FLOOD(2 * 1024 * 1024), SCRIPT_CLOSE};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.chunked);
    assert_false(reply.complete);
    raw_reply_fini(&reply);
    struct budget_view view = look(fixture);
    assert_true(view.spent_nusd > 0 && view.held_nusd == 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

static void a_small_answer_that_is_cut_is_refused(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"choices\":["),
        SCRIPT_CLOSE};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 502);
    assert_true(reply.complete);
    assert_contains(buf_span(&reply.body), "upstream_broken");
    raw_reply_fini(&reply);
    assert_counted(fixture);
}

static void usage_may_come_with_the_finish_reason(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND(SSE_HEAD EVENT_HI
                    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                    "\"usage\":{" FIGURES "}}\n\n" EVENT_DONE),
        SCRIPT_CLOSE};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
             &reply);
    assert_true(reply.complete);
    assert_span(buf_span(&reply.body),
                EVENT_HI "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                         "\"usage\":{" FIGURES ",\"cost\":0.00005}}\n\n" EVENT_DONE);
    raw_reply_fini(&reply);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static void a_stream_may_be_answered_whole(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST, http_json(bytes, 200, WHOLE_ANSWER),
                                   SCRIPT_AGAIN};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"stream\":true"), &reply);
    assert_int_equal(reply.status, 200);
    assert_false(reply.chunked);
    assert_span(buf_span(&reply.body), WHOLE_ANSWER);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.00005");
    raw_reply_fini(&reply);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static void a_stream_may_be_answered_with_an_error(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {
        SCRIPT_REQUEST, http_json(bytes, 400, "{\"error\":{\"message\":\"no\"}}"), SCRIPT_AGAIN};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"stream\":true"), &reply);
    assert_int_equal(reply.status, 400);
    assert_true(reply.complete);
    assert_span(raw_reply_field(&reply, SPAN("content-type")), "application/json");
    assert_span(buf_span(&reply.body), "{\"error\":{\"message\":\"no\"}}");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.00");
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0);
}

static void an_error_answer_with_usage_is_charged(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {
        SCRIPT_REQUEST,
        http_json(bytes, 500, "{\"error\":{\"message\":\"no\"},\"usage\":{" FIGURES "}}"),
        SCRIPT_AGAIN};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 500);
    raw_reply_fini(&reply);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static void an_answer_without_a_body_passes(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 204 No Content\r\n\r\n"), SCRIPT_AGAIN};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 204);
    assert_int_equal(raw_reply_field(&reply, SPAN("content-length")).len, 0);
    raw_reply_fini(&reply);
    assert_counted(fixture);
}

static void events_that_nobody_asked_for_are_no_answer(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI ENDS_WELL), SCRIPT_CLOSE};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 502);
    raw_reply_fini(&reply);
    assert_true(look(fixture).spent_nusd > 0 && look(fixture).held_nusd == 0);
}

static void what_comes_after_the_end_mark_is_dropped(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI ENDS_WELL EVENT_HI EVENT_DONE), SCRIPT_RESET};
    struct raw_reply reply;
    EXCHANGE(fixture, script, CHAT("\"stream\":true"), &reply);
    assert_true(reply.complete); /* how the provider's connection ended does not matter any more */
    assert_span(buf_span(&reply.body), EVENT_HI EVENT_FINISH EVENT_DONE);
    raw_reply_fini(&reply);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

/* ---- several choices ---- */

static void each_choice_is_held(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"max_tokens\":100,\"n\":3"));
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    assert_contains(scripted_upstream_body(fixture->upstream, 0), "\"max_tokens\":100,\"n\":3");
    int64_t three = look(fixture).held_nusd;
    assert_true(three >=
                3 * 100 * 2000 + (int64_t)strlen(CHAT("\"max_tokens\":100,\"n\":3")) * 1000);
    assert_true(three < 3 * 100 * 2000 + 400 * 1000); /* the input once */
    raw_client_reset(client);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    assert_int_equal(look(fixture).committed_nusd, three); /* all of it is counted or uncertain */
    assert_counted(fixture);
}

static void a_wish_for_many_choices_is_cut_for_each(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST, http_json(bytes, 200, WHOLE_ANSWER),
                                   SCRIPT_AGAIN};
    struct raw_reply reply;
    /* 0.002 USD: some 200 tokens of input leave 1,800,000 nano-dollars, 225 tokens for each of 4. */
    gateway_fixture_reload(fixture,
                           CONFIG_MODELS "tenants:\n  t:\n"
                                         "    budgets: [{name: total, window: total, usd: 0.002,"
                                         " max_hold: 100%}]\n" CONFIG_KEY);
    EXCHANGE(fixture, script, CHAT("\"max_tokens\":900,\"n\":4"), &reply);
    assert_int_equal(reply.status, 200);
    struct span limit = raw_reply_field(&reply, SPAN("x-weir-max-tokens"));
    uint64_t tokens;
    char expected[64];
    assert_true(span_to_u64(limit, &tokens));
    assert_in_range(tokens, 200, 240);
    snprintf(expected, sizeof expected, "\"max_tokens\":%d,\"n\":4}", (int)tokens);
    assert_contains(scripted_upstream_body(fixture->upstream, 0), expected);
    raw_reply_fini(&reply);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

/* ---- one connection, several exchanges ---- */

static void read_status(struct raw_client *client, int status, const char *part)
{
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, status);
    assert_true(reply.complete);
    assert_contains(buf_span(&reply.body), part);
    raw_reply_fini(&reply);
}

#define GET_MODELS \
    "GET /v1/models HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer " FIXTURE_KEY "\r\n\r\n"

static void a_connection_serves_one_exchange_after_the_other(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n3a\r\n" EVENT_HI "\r\n"
                    "e\r\n" EVENT_DONE "\r\n0\r\n\r\n"),
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"choices\":[]}"), SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    /* Refused at its head; its body is read away before the next head. */
    raw_client_send_text(client,
                         "POST /v1/nothing HTTP/1.1\r\nHost: weir\r\nContent-Length: 9\r\n\r\n");
    read_status(client, 404, "not_found");
    raw_client_send_text(client, "123456789");
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    read_status(client, 200, EVENT_HI EVENT_DONE);
    raw_client_send_text(client, POST_HEAD("2") "[]");
    read_status(client, 400, "invalid");
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    read_status(client, 200, "{\"choices\":[]}");
    raw_client_send_text(client, GET_MODELS);
    read_status(client, 200, "\"small\"");
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_REQUESTS), 5);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 1);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512], requests[2048];
    struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, http_json(bytes, 200, WHOLE_ANSWER),
                                   SCRIPT_AGAIN};
    const char *body = CHAT("\"seed\":1");
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    char length[8];
    snprintf(length, sizeof length, "%zu", strlen(body));
    snprintf(requests, sizeof requests,
             GET_MODELS POST_HEAD("%s") "%s" GET_MODELS
                                        "GET /nothing HTTP/1.1\r\nHost: weir\r\n\r\n",
             length, body);
    raw_client_send_text(client, requests);
    read_status(client, 200, "\"small\"");
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    raw_client_poll(client);
    assert_int_equal(raw_client_received(client).len, 0);
    scripted_upstream_release(fixture->upstream);
    read_status(client, 200, "\"Hi\"");
    read_status(client, 200, "\"small\"");
    read_status(client, 404, "not_found");
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

static void the_next_exchange_does_not_wait_for_a_provider_that_lingers(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI ENDS_WELL), SCRIPT_HOLD, SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    read_status(client, 200, EVENT_DONE);
    raw_client_send_text(client, GET_MODELS);
    read_status(client, 200, "\"small\"");
    raw_run_until(fixture->loop, upstream_holds, fixture, "the end mark sent");
    scripted_upstream_release(fixture->upstream);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

/* ---- the configuration changes meanwhile ---- */

static void an_exchange_keeps_the_snapshot_it_began_with(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, http_json(bytes, 200, WHOLE_ANSWER),
                                   SCRIPT_AGAIN};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"seed\":1"));
    raw_run_until(fixture->loop, upstream_holds, fixture, "the request upstream");
    gateway_fixture_reload(fixture, CONFIG_FREE); /* its budget is not configured any more */
    scripted_upstream_release(fixture->upstream);
    raw_client_read_reply(client, false, &reply);
    assert_contains(raw_reply_field(&reply, SPAN("x-weir-budget")), "name=total");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

int test_endings(void);
int test_endings(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(a_slow_reader_slows_its_provider_down),
        WITH_GATEWAY(leaving_while_the_provider_is_paused_cancels_it),
        WITH_GATEWAY(a_large_whole_answer_waits_for_its_reader_too),
        WITH_GATEWAY(an_event_that_never_ends_breaks_the_stream),
        WITH_GATEWAY(a_large_answer_that_is_cut_is_no_good_end),
        WITH_GATEWAY(a_small_answer_that_is_cut_is_refused),
        WITH_GATEWAY(usage_may_come_with_the_finish_reason),
        WITH_GATEWAY(a_stream_may_be_answered_whole),
        WITH_GATEWAY(a_stream_may_be_answered_with_an_error),
        WITH_GATEWAY(an_error_answer_with_usage_is_charged),
        WITH_GATEWAY(an_answer_without_a_body_passes),
        WITH_GATEWAY(events_that_nobody_asked_for_are_no_answer),
        WITH_GATEWAY(what_comes_after_the_end_mark_is_dropped),
        WITH_GATEWAY(each_choice_is_held),
        WITH_GATEWAY(a_wish_for_many_choices_is_cut_for_each),
        WITH_GATEWAY(a_connection_serves_one_exchange_after_the_other),
        WITH_GATEWAY(pipelined_requests_are_answered_in_order),
        WITH_GATEWAY(the_next_exchange_does_not_wait_for_a_provider_that_lingers),
        WITH_GATEWAY(an_exchange_keeps_the_snapshot_it_began_with),
    };
    return cmocka_run_group_tests_name("gateway/endings", tests, NULL, NULL);
}
