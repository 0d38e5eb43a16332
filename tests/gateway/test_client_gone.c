/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `on_client_gone: drain`: a client leaves, and its answer is read to the end for its usage. What
 * `cancel` does, the default, is among the endings.
 */
#include "exchange_support.h"

#include "exchange.h"
#include "telemetry/access_log.h"
#include "worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1024 * 1024)

/* One request at a time, so that the gauge shows when an exchange has let go. */
#define DRAIN_FOR(timeouts, tries)                                                             \
    "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\ntimeouts: {connect: 500ms, " timeouts "}\n"  \
    "providers:\n  scripted: {kind: openai, base_url: '%s', api_key: provider-secret, "        \
    "on_client_gone: drain}\n"                                                                 \
    "models:\n  small: {targets: [{provider: scripted, model: m}], retries: {attempts: " tries \
    "},\n    price: {input: 1, output: 2}, context_window: 100000, hidden_input: 0}\n"         \
    "tenants:\n  t:\n    limits: {concurrent: 1}\n"                                            \
    "    budgets: [{name: total, window: total, usd: 1.00}]\n" CONFIG_KEY
#define DRAIN DRAIN_FOR("first_byte: 2s, idle: 2s, request: 20s", "1")

#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define EVENT_HI "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
#define FIGURES  "\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30"
#define ENDS_WELL                                                                     \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" \
    "data: {\"choices\":[],\"usage\":{" FIGURES "}}\n\ndata: [DONE]\n\n"
#define WHOLE "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{" FIGURES "}}"
/* 10 × 1,000 + 20 × 2,000 */
#define USAGE_NUSD 50000

/* ---- what the tests share ---- */

static bool upstream_holds(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_holding(fixture->upstream) > 0;
}

static bool client_is_missed(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return fixture->worker->unattended == 1;
}

static bool is_set(void *argument)
{
    return *(const bool *)argument;
}

static void set(void *argument)
{
    *(bool *)argument = true;
}

static struct budget_view look(struct gateway_fixture *fixture)
{
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    return view;
}

static void leave(struct gateway_fixture *fixture, struct raw_client *client)
{
    raw_client_reset(client);
    raw_run_until(fixture->loop, client_is_missed, fixture, "the client's leaving");
    raw_client_free(&client);
}

/* A client that leaves when the provider stands at a SCRIPT_HOLD, and when it has read `seen`, if any. */
static void post_and_leave(struct gateway_fixture *fixture, const char *body, const char *seen)
{
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, body);
    raw_run_until(fixture->loop, upstream_holds, fixture, "the provider's pause");
    if (seen != NULL)
        raw_client_read_until(client, seen);
    leave(fixture, client);
    assert_true(look(fixture).held_nusd > 0);
}

#define STREAM CHAT("\"stream\":true")

/* Plays the script against a client that leaves at its pause, and goes on to the end. */
#define LEAVE_AND_END(fixture, script, body, seen)         \
    do {                                                   \
        SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script); \
        post_and_leave(fixture, body, seen);               \
        scripted_upstream_release(fixture->upstream);      \
        gateway_fixture_settle(fixture);                   \
    } while (0)

/* Without usage: a part is counted, the rest of the hold is uncertain, and nothing is lost. */
static void assert_counted(struct gateway_fixture *fixture)
{
    struct budget_view view = look(fixture);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0);
    assert_int_equal(view.held_nusd, 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

/* The exchange has let go of everything: the next one is served. */
static void assert_room(struct gateway_fixture *fixture, int status)
{
    struct raw_reply reply;
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client,
                         "GET /v1/models HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " FIXTURE_KEY
                         "\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, status);
    raw_reply_fini(&reply);
    raw_client_free(&client);
}

/* ---- read to the end ---- */

static void a_stream_is_charged_as_reported(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_SEND(EVENT_HI ENDS_WELL),
                                                SCRIPT_CLOSE};
    char text[4096] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    access_log_set_fd(fixture->worker->access_log, fileno(file));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, "Hi");
    assert_int_equal(gateway_worker_active(fixture->worker), 1);
    assert_room(fixture, 429); /* its place is held until it is settled */
    scripted_upstream_release(fixture->upstream);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_COST), USAGE_NUSD);
    assert_room(fixture, 200);
    raw_run_for(fixture->loop, 1); /* lines are written at the end of a turn */
    access_log_set_fd(fixture->worker->access_log, -1);
    rewind(file);
    struct span log = span_make(text, fread(text, 1, sizeof text - 1, file));
    fclose(file);
    assert_contains(log, "\"status\":200,\"outcome\":\"client_gone\",\"step\":\"STREAM\"");
    assert_contains(log, "\"reported\"");
}

static void a_client_that_left_before_the_head_too(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_SEND(SSE_HEAD EVENT_HI ENDS_WELL), SCRIPT_CLOSE};
    LEAVE_AND_END(fixture, script, STREAM, NULL);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static void a_whole_answer_too(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, http_json(bytes, 200, WHOLE),
                                   SCRIPT_AGAIN};
    LEAVE_AND_END(fixture, script, CHAT("\"seed\":1"), NULL);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static char *long_stream(size_t size)
{
    static const char event[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
    size_t each = 8 * 1024;
    char *text = malloc(size + 2 * each);
    assert_non_null(text);
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

static bool attempt_is_paused(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return list_empty(&fixture->worker->living)
               ? false
               : LIST_ITEM(fixture->worker->living.next, struct exchange, link)->paused;
}

static void a_slow_reader_that_leaves_is_waited_for_no_longer(void **state)
{
    struct gateway_fixture *fixture = *state;
    char *text = long_stream(32 * MIB);
    struct script_step script[] = {
        SCRIPT_REQUEST, {SCRIPT_KIND_SEND, text, strlen(text), SIZE_MAX}, SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect_slow(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, STREAM);
    raw_run_until(fixture->loop, attempt_is_paused, fixture, "the pause");
    leave(fixture, client);
    assert_true(fixture->worker->memory.held < (int64_t)MIB);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, USAGE_NUSD, 0, 0);
    free(text);
}

static void an_answer_without_end_is_read_into_no_memory(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_HOLD,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"),
        SCRIPT_FLOOD(63 * 1024 * 1024),
        SCRIPT_HOLD,
        SCRIPT_FLOOD(1024 * 1024),
        SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, CHAT("\"seed\":1"), NULL);
    scripted_upstream_release(fixture->upstream);
    raw_run_until(fixture->loop, upstream_holds, fixture, "63 MiB");
    raw_run_for(fixture->loop, 50);
    assert_true(fixture->worker->memory.held < (int64_t)MIB);
    scripted_upstream_release(fixture->upstream);
    gateway_fixture_settle(fixture);
    struct budget_view view = look(fixture); /* counted: as much as was held */
    assert_true(view.spent_nusd > 0 && view.held_nusd == 0);
}

/* ---- no good end ---- */

static void a_stream_that_breaks_is_counted(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_SEND(EVENT_HI), SCRIPT_RESET};
    LEAVE_AND_END(fixture, script, STREAM, "Hi");
    assert_counted(fixture);
}

static void a_provider_that_never_answers_is_left_in_time(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_CLOSE};
    gateway_fixture_reload(fixture, DRAIN_FOR("first_byte: 200ms, idle: 200ms, request: 20s", "3"));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, NULL);
    gateway_fixture_settle(fixture);
    assert_counted(fixture);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 1); /* no second try */
}

static void an_answer_takes_no_longer_than_a_request_may(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_CLOSE};
    gateway_fixture_reload(fixture, DRAIN_FOR("first_byte: 2s, idle: 20s, request: 300ms", "1"));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, "Hi");
    gateway_fixture_settle(fixture);
    assert_counted(fixture);
}

static void an_error_is_not_tried_again_and_costs_nothing(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD,
                                   http_json(bytes, 503, "{\"error\":{\"message\":\"no\"}}"),
                                   SCRIPT_AGAIN};
    gateway_fixture_reload(fixture, DRAIN_FOR("first_byte: 2s, idle: 2s, request: 20s", "3"));
    LEAVE_AND_END(fixture, script, STREAM, NULL);
    assert_budget(fixture, 0, 0, 0);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 1);
}

static void a_connection_that_breaks_before_the_head_is_counted(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_RESET};
    LEAVE_AND_END(fixture, script, STREAM, NULL);
    assert_counted(fixture);
}

static void between_two_attempts_there_is_nothing_to_read(void **state)
{
    struct gateway_fixture *fixture = *state;
    static char bytes[512];
    struct script_step script[] = {SCRIPT_REQUEST,
                                   http_json(bytes, 503, "{\"error\":{\"message\":\"no\"}}"),
                                   SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_CLOSE};
    gateway_fixture_reload(fixture, DRAIN_FOR("first_byte: 2s, idle: 2s, request: 20s", "3"));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, STREAM);
    while (gateway_fixture_total(fixture, METRIC_UPSTREAM_REQUESTS) == 0)
        raw_run_for(fixture->loop, 1);
    raw_client_reset(client);
    gateway_fixture_settle(fixture);
    raw_client_free(&client);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 1);
    assert_budget(fixture, 0, 0, 0);
}

/* ---- the gateway stops ---- */

static void stopping_waits_for_the_answer(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_SEND(ENDS_WELL), SCRIPT_CLOSE};
    bool drained = false;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, "Hi");
    gateway_worker_drain(fixture->worker, set, &drained);
    raw_run_for(fixture->loop, 50); /* no connection is left any more */
    assert_false(drained);
    scripted_upstream_release(fixture->upstream);
    raw_run_until(fixture->loop, is_set, &drained, "the drain");
    assert_budget(fixture, USAGE_NUSD, 0, 0);
}

static void stopping_waits_no_longer_than_it_may(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_CLOSE};
    bool drained = false;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, "Hi");
    gateway_worker_drain(fixture->worker, set, &drained);
    gateway_worker_interrupt(fixture->worker);
    gateway_fixture_settle(fixture);
    raw_run_until(fixture->loop, is_set, &drained, "the drain");
    assert_counted(fixture);
}

static void a_worker_may_end_in_the_middle_of_it(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {SCRIPT_REQUEST, SCRIPT_SEND(SSE_HEAD EVENT_HI),
                                                SCRIPT_HOLD, SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    post_and_leave(fixture, STREAM, "Hi");
    gateway_worker_free(&fixture->worker); /* asserts that nothing lives */
    assert_counted(fixture);
}

static int setup(void **state)
{
    gateway_setup(state);
    gateway_fixture_reload(*state, DRAIN);
    return 0;
}

#define WITH_DRAIN(test) cmocka_unit_test_setup_teardown(test, setup, gateway_teardown)

int test_client_gone(void);
int test_client_gone(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DRAIN(a_stream_is_charged_as_reported),
        WITH_DRAIN(a_client_that_left_before_the_head_too),
        WITH_DRAIN(a_whole_answer_too),
        WITH_DRAIN(a_slow_reader_that_leaves_is_waited_for_no_longer),
        WITH_DRAIN(an_answer_without_end_is_read_into_no_memory),
        WITH_DRAIN(a_stream_that_breaks_is_counted),
        WITH_DRAIN(a_provider_that_never_answers_is_left_in_time),
        WITH_DRAIN(an_answer_takes_no_longer_than_a_request_may),
        WITH_DRAIN(an_error_is_not_tried_again_and_costs_nothing),
        WITH_DRAIN(a_connection_that_breaks_before_the_head_is_counted),
        WITH_DRAIN(between_two_attempts_there_is_nothing_to_read),
        WITH_DRAIN(stopping_waits_for_the_answer),
        WITH_DRAIN(stopping_waits_no_longer_than_it_may),
        WITH_DRAIN(a_worker_may_end_in_the_middle_of_it),
    };
    return cmocka_run_group_tests_name("gateway/client_gone", tests, NULL, NULL);
}
