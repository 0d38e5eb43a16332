/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Endings that once went wrong: each test is a fault that a review found, and that must not return. */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define FINISH   "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE                                                                         \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20," \
    "\"total_tokens\":30}}\n\n"
#define DONE "data: [DONE]\n\n"

/* An event with `size` bytes of text; the caller frees it. */
static char *event_of(size_t size)
{
    char *text = malloc(size + 128);
    int at = sprintf(text, "data: {\"choices\":[{\"delta\":{\"content\":\"");
    memset(text + at, 'x', size);
    memcpy(text + at + size, "\"}}]}\n\n", sizeof "\"}}]}\n\n");
    return text;
}

static bool upstream_holds(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_holding(fixture->upstream) == 1;
}

/* Posts, and reads a stream to the end of its framing. */
static struct raw_client *stream_to_end(struct gateway_fixture *fixture)
{
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    raw_client_read_until(client, "[DONE]");
    raw_client_read_until(client, "0\r\n\r\n");
    return client;
}

/* The client has everything, the provider's connection stays open: the worker ends all the same. */
static void the_worker_ends_while_a_provider_lingers(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD FINISH USAGE DONE), SCRIPT_HOLD};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = stream_to_end(fixture);
    raw_client_free(&client);
    raw_run_for(fixture->loop, 20);
    assert_int_equal(gateway_worker_active(fixture->worker), 1);
    gateway_worker_interrupt(fixture->worker);
    assert_int_equal(gateway_worker_active(fixture->worker), 0);
    assert_budget(fixture, 50000, 0, 0);
}

/* The piece that fills the queue also holds [DONE]: nobody may pause the attempt any more. */
static void an_end_in_a_congested_piece_does_not_pause(void **state)
{
    struct gateway_fixture *fixture = *state;
    char *big = event_of(400 * 1024);
    char *all = malloc(strlen(big) + 1024);
    sprintf(all, "%s%s%s%s%s", SSE_HEAD, big, FINISH, USAGE, DONE);
    static const struct script_step request = SCRIPT_REQUEST, hold = SCRIPT_HOLD,
                                    bye = SCRIPT_SEND(": bye\n\n"), end = SCRIPT_CLOSE;
    struct script_step script[] = {
        request, {SCRIPT_KIND_SEND, all, strlen(all), SIZE_MAX}, hold, bye, end};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = stream_to_end(fixture);
    raw_run_until(fixture->loop, upstream_holds, fixture, "the provider's hold");
    scripted_upstream_release(fixture->upstream);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    assert_budget(fixture, 50000, 0, 0);
    free(big);
    free(all);
}

/* Junk without an event's end after [DONE], with the pool of exchanges full: it is not read. */
static void bytes_after_the_end_are_not_read(void **state)
{
    enum { OTHERS = 260 };
    struct gateway_fixture *fixture = *state;
    static char junk[1200 * 1024];
    static struct raw_client *others[OTHERS];
    static const struct script_step request = SCRIPT_REQUEST, hold = SCRIPT_HOLD,
                                    answer = SCRIPT_SEND(SSE_HEAD FINISH DONE), bye = SCRIPT_CLOSE;
    memset(junk, 'y', sizeof junk);
    struct script_step script[] = {
        request, answer, hold, {SCRIPT_KIND_SEND, junk, sizeof junk, SIZE_MAX}, bye};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = stream_to_end(fixture);
    raw_run_until(fixture->loop, upstream_holds, fixture, "the provider's hold");
    for (int i = 0; i < OTHERS; i++) {
        others[i] = raw_client_connect(fixture->loop, fixture->port);
        raw_client_send_text(others[i],
                             "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n"
                             "Content-Type: application/json\r\nAuthorization: Bearer " FIXTURE_KEY
                             "\r\nContent-Length: 9\r\n\r\n{");
    }
    raw_run_for(fixture->loop, 50);
    for (int i = 0; i < OTHERS; i++)
        raw_client_free(&others[i]);
    scripted_upstream_release(fixture->upstream);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
}

/* A slow reader still gets all that was sent to it, and then the error event. */
static void a_backlog_goes_out_before_a_broken_end(void **state)
{
    enum { EVENTS = 40 };
    struct gateway_fixture *fixture = *state;
    char *big = event_of(500 * 1024);
    size_t len = strlen(big), at = strlen(SSE_HEAD);
    char *all = malloc(EVENTS * len + at);
    memcpy(all, SSE_HEAD, at);
    for (int i = 0; i < EVENTS; i++, at += len)
        memcpy(all + at, big, len);
    static const struct script_step request = SCRIPT_REQUEST, hold = SCRIPT_HOLD;
    struct script_step script[] = {request, {SCRIPT_KIND_SEND, all, at, SIZE_MAX}, hold};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect_slow(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    raw_run_for(fixture->loop, 150);
    gateway_worker_interrupt(fixture->worker);
    raw_client_read_to_end(client);
    struct span got = raw_client_received(client);
    assert_true(got.len > 64 * 1024);
    assert_contains(span_from(got, got.len - 256), "data: {\"error\":{");
    assert_contains(span_from(got, got.len - 256), "draining");
    assert_false(raw_client_was_reset(client));
    assert_false(span_ends_with(got, SPAN("0\r\n\r\n")));
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
    free(big);
    free(all);
}

/* Usage on the way is not the whole: what may still be billed stays committed. */
static void usage_before_the_end_is_not_final(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND(SSE_HEAD
                    "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":{"
                    "\"prompt_tokens\":10,\"completion_tokens\":1,\"total_tokens\":11}}\n\n"
                    "data: {\"choices\":[{\"delta\":{\"content\":\"goes on and on\"}}]}\n\n"),
        SCRIPT_HOLD};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    struct budget_view before, after;
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    raw_client_read_until(client, "on and on");
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &before);
    raw_client_reset(client);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &after);
    assert_true(after.spent_nusd >= 12000);
    assert_int_equal(after.committed_nusd, before.committed_nusd); /* nothing was released */
    assert_int_equal(after.uncertain_nusd, after.committed_nusd - after.spent_nusd);
}

/* A window that the operator wrote too small hides no spend. */
static void usage_over_the_window_is_a_breach(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char room[512];
    struct script_step script[] = {
        SCRIPT_REQUEST,
        http_json(room, 200,
                  "{\"usage\":{\"prompt_tokens\":100001,\"completion_tokens\":20,"
                  "\"total_tokens\":100021}}"),
        SCRIPT_AGAIN};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    raw_reply_fini(&reply);
    assert_budget(fixture, 100001 * 1000 + 20 * 2000, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_BOUND_BREACHES), 1);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_USAGE_IMPOSSIBLE), 0);
}

static void usage_beyond_belief_is_flagged(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char room[512];
    struct script_step script[] = {
        SCRIPT_REQUEST,
        http_json(room, 200,
                  "{\"usage\":{\"prompt_tokens\":9000000000,\"completion_tokens\":20,"
                  "\"total_tokens\":9000000020}}"),
        SCRIPT_AGAIN};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0 && view.held_nusd == 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_USAGE_IMPOSSIBLE), 1);
}

/* The provider has said what is wrong: we do not say it again. */
static void an_error_event_is_not_repeated(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"),
        SCRIPT_CLOSE};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_span(buf_span(&reply.body), "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
    assert_false(reply.complete);
    raw_reply_fini(&reply);
}

static void a_last_event_may_lack_its_blank_line(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD FINISH USAGE "data: [DONE]\n"), SCRIPT_CLOSE};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_true(reply.complete);
    assert_span(buf_span(&reply.body), FINISH "data: [DONE]\n\n\n");
    raw_reply_fini(&reply);
    assert_budget(fixture, 50000, 0, 0);
}

static void a_coded_error_costs_nothing(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\n"
                                    "Content-Length: 2\r\n\r\nxx")};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 502);
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0);
}

int test_regressions(void);
int test_regressions(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(the_worker_ends_while_a_provider_lingers),
        WITH_GATEWAY(an_end_in_a_congested_piece_does_not_pause),
        WITH_GATEWAY(bytes_after_the_end_are_not_read),
        WITH_GATEWAY(a_backlog_goes_out_before_a_broken_end),
        WITH_GATEWAY(usage_before_the_end_is_not_final),
        WITH_GATEWAY(usage_over_the_window_is_a_breach),
        WITH_GATEWAY(usage_beyond_belief_is_flagged),
        WITH_GATEWAY(an_error_event_is_not_repeated),
        WITH_GATEWAY(a_last_event_may_lack_its_blank_line),
        WITH_GATEWAY(a_coded_error_costs_nothing),
    };
    return cmocka_run_group_tests_name("gateway/regressions", tests, NULL, NULL);
}
