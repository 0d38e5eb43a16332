/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than one attempt: other targets, the same one again after a pause, what they cost, and what
 * the log says of them.
 */
#include "pair.h"

#include "base/clock.h"
#include "base/money.h"
#include "telemetry/access_log.h"

/* ---- another target ---- */

/* Exchanges once; the reply must come from `second`. */
static void assert_second_serves(struct pair *pair, const char *body)
{
    struct raw_reply reply;
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, body, &reply);
    assert_int_equal(reply.status, 200);
    assert_span(buf_span(&reply.body), ANSWER);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-provider")), "second");
    raw_reply_fini(&reply);
    assert_int_equal(asked_second(pair), 1);
    assert_contains(scripted_upstream_body(pair->second, 0), "\"model\":\"s\"");
    assert_contains(scripted_upstream_request(pair->second, 0), "Authorization: Bearer two\r\n");
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_UPSTREAM_REQUESTS), 2);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_REQUESTS), 1);
}

/* Without usage: a part is counted, the rest of the hold is uncertain. */
static void assert_first_may_be_billed(struct pair *pair)
{
    struct budget_view view;
    gateway_fixture_budget(pair->fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > ANSWER_NUSD && view.uncertain_nusd > 0);
    assert_int_equal(view.held_nusd, 0);
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_COST), view.spent_nusd);
}

static void another_target_serves_after_a_5xx(void **state)
{
    struct pair *pair = *state;
    PLAY(pair->fixture->upstream, down);
    assert_second_serves(pair, POST("two", "\"max_tokens\":50"));
    assert_int_equal(asked_first(pair), 1);
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0); /* the first one's hold is void */
}

static void another_target_serves_after_a_429(void **state)
{
    struct pair *pair = *state;
    PLAY(pair->fixture->upstream, too_many);
    assert_second_serves(pair, POST("two", "\"stream\":true"));
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0);
}

static void another_target_serves_after_silence(void **state)
{
    struct pair *pair = *state;
    PLAY(pair->fixture->upstream, silent);
    assert_second_serves(pair, POST("two", "\"max_tokens\":50"));
    assert_first_may_be_billed(pair);
}

static void another_target_serves_after_a_break(void **state)
{
    struct pair *pair = *state;
    PLAY(pair->fixture->upstream, broken);
    assert_second_serves(pair, POST("two", "\"max_tokens\":50"));
    assert_first_may_be_billed(pair);
}

static void another_target_serves_where_one_is_unreachable(void **state)
{
    struct pair *pair = *state;
    reload(pair, HEAD
           "  away: {targets: [{provider: nowhere, model: f, weight: 1000}, {provider: second, "
           "model: s}],\n    " PRICED "}\n" TENANT);
    assert_second_serves(pair, POST("away", "\"max_tokens\":50"));
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0);
}

static void an_error_that_was_billed_is_in_the_sum(void **state)
{
    struct pair *pair = *state;
    static const struct script_step billed[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND(REPLY("500", "Content-Length: 71\r\n\r\n", "{\"usage\":{" FIGURES "}}")),
        SCRIPT_AGAIN};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, billed);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("two", "\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.0001");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-input-tokens")), "10");
    raw_reply_fini(&reply);
    assert_budget(pair->fixture, 2 * ANSWER_NUSD, 0, 0);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_COST), 2 * ANSWER_NUSD);
}

static void the_last_error_passes_through(void **state)
{
    struct pair *pair = *state;
    static const struct script_step other[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND(REPLY("529", "Content-Length: 25\r\n\r\n", "{\"error\":{\"code\":\"last\"}}")),
        SCRIPT_AGAIN};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, down);
    PLAY(pair->second, other);
    gateway_fixture_exchange(pair->fixture, POST("two", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 529);
    assert_span(buf_span(&reply.body), "{\"error\":{\"code\":\"last\"}}");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-provider")), "second");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair) + asked_second(pair), 2);
    assert_budget(pair->fixture, 0, 0, 0);
}

static void after_the_first_byte_nothing_is_tried_again(void **state)
{
    struct pair *pair = *state;
    static const struct script_step cut[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
        SCRIPT_RESET};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, cut);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("two", "\"stream\":true"), &reply);
    assert_false(reply.complete);
    assert_contains(buf_span(&reply.body), "upstream_broken");
    raw_reply_fini(&reply);
    assert_int_equal(asked_second(pair), 0);
}

static void money_that_is_short_refuses(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    reload(pair, HEAD "tenants:\n  t:\n    budgets: [{name: total, window: total, usd: 0.0004, "
                      "max_hold: 100%}]\n" CONFIG_KEY);
    PLAY(pair->fixture->upstream, silent);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("two", "\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 402); /* what the first may bill leaves too little */
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 1);
    assert_int_equal(asked_second(pair), 0);
}

static void weights_share_the_requests(void **state)
{
    struct pair *pair = *state;
    reload(pair, HEAD "  even: {targets: [{provider: first, model: f}, {provider: second, model: "
                      "s}], " PRICED "}\n" TENANT);
    PLAY(pair->fixture->upstream, good);
    PLAY(pair->second, good);
    for (int i = 0; i < 40; i++) {
        struct raw_reply reply;
        gateway_fixture_exchange(pair->fixture, POST("even", "\"seed\":1"), &reply);
        assert_int_equal(reply.status, 200);
        raw_reply_fini(&reply);
    }
    assert_in_range(asked_first(pair), 10, 30);
    assert_int_equal(asked_first(pair) + asked_second(pair), 40);
}

/* ---- the same target again ---- */

static void the_same_target_is_tried_again(void **state)
{
    struct pair *pair = *state;
    static const struct script_step third_time[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(DOWN),   SCRIPT_REQUEST, SCRIPT_SEND(TOO_MANY("")),
        SCRIPT_REQUEST, SCRIPT_SEND(SERVED), SCRIPT_AGAIN};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, third_time);
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 3);
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0);
}

static void the_tries_come_to_an_end(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, down);
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    assert_span(buf_span(&reply.body), "{\"error\":{\"code\":\"down\"}}");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 3);
}

static void a_short_pause_is_waited_for(void **state)
{
    struct pair *pair = *state;
    static const struct script_step later[] = {SCRIPT_REQUEST,
                                               SCRIPT_SEND(TOO_MANY("Retry-After: 1\r\n")),
                                               SCRIPT_REQUEST, SCRIPT_SEND(SERVED), SCRIPT_AGAIN};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, later);
    int64_t begun_ns = clock_monotonic_ns();
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_true(clock_monotonic_ns() - begun_ns >= NS_PER_S);
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 2);
}

static void a_long_pause_is_passed_on(void **state)
{
    struct pair *pair = *state;
    static const struct script_step later[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(TOO_MANY("Retry-After: 20\r\n")), SCRIPT_AGAIN};
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, later);
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 429);
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "20");
    raw_reply_fini(&reply);
    /* Nobody asks it before. */
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    assert_contains(buf_span(&reply.body), "upstream_unavailable");
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "20");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 1);
    assert_budget(pair->fixture, 0, 0, 0);
}

static void only_what_is_listed_is_tried_again(void **state)
{
    struct pair *pair = *state;
    static const struct script_step refused[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(REPLY("400", "", ERROR_BODY)), SCRIPT_AGAIN};
    struct raw_reply reply;
    reload(pair, HEAD "  listed: {targets: [{provider: first, model: f}], retries: {attempts: 3, "
                      "on: [connect, 429]}, " PRICED "}\n" TENANT);
    PLAY(pair->fixture->upstream, down);
    gateway_fixture_exchange(pair->fixture, POST("listed", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 1);
    PLAY(pair->second, refused); /* nor what the client did wrong */
    gateway_fixture_exchange(pair->fixture, POST("two", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 400);
    raw_reply_fini(&reply);
    assert_int_equal(asked_second(pair), 1);
}

static void all_tries_together_have_the_time_of_one(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    reload(pair, HEAD_FOR("first_byte: 800ms, request: 1s") TENANT);
    PLAY(pair->fixture->upstream, silent);
    int64_t begun_ns = clock_monotonic_ns();
    gateway_fixture_exchange(pair->fixture, POST("one", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 504);
    assert_true(clock_monotonic_ns() - begun_ns < 1500 * NS_PER_MS);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_UPSTREAM_REQUESTS), 2);
    raw_reply_fini(&reply);
}

/* ---- the time between two attempts ---- */

static bool first_was_left(void *argument)
{
    struct pair *pair = argument;
    return gateway_fixture_total(pair->fixture, METRIC_UPSTREAM_REQUESTS) == 1;
}

/* Posts to `one` and turns the loop until the pause that it asked for has begun. */
static struct raw_client *start_pause(struct pair *pair)
{
    static const struct script_step later[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(TOO_MANY("Retry-After: 5\r\n")), SCRIPT_AGAIN};
    PLAY(pair->fixture->upstream, later);
    struct raw_client *client = raw_client_connect(pair->fixture->loop, pair->fixture->port);
    gateway_fixture_post(pair->fixture, client, POST("one", "\"seed\":1"));
    raw_run_until(pair->fixture->loop, first_was_left, pair, "the end of the first attempt");
    assert_int_equal(gateway_worker_active(pair->fixture->worker), 1);
    assert_budget(pair->fixture, 0, 0, 0); /* nothing is held meanwhile */
    return client;
}

static void a_client_that_leaves_in_between_is_settled_once(void **state)
{
    struct pair *pair = *state;
    struct raw_client *client = start_pause(pair);
    raw_client_reset(client);
    gateway_fixture_settle(pair->fixture);
    raw_client_free(&client);
    assert_int_equal(asked_first(pair), 1);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_REQUESTS), 1);
    assert_int_equal(gateway_fixture_total(pair->fixture, METRIC_UPSTREAM_REQUESTS), 1);
    assert_budget(pair->fixture, 0, 0, 0);
}

static void a_gateway_that_stops_in_between_says_so(void **state)
{
    struct pair *pair = *state;
    struct raw_client *client = start_pause(pair);
    struct raw_reply reply;
    gateway_worker_interrupt(pair->fixture->worker);
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 503);
    assert_contains(buf_span(&reply.body), "draining");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    gateway_fixture_settle(pair->fixture);
    assert_int_equal(asked_first(pair), 1);
}

static bool first_holds(void *argument)
{
    const struct pair *pair = argument;
    return scripted_upstream_holding(pair->fixture->upstream) == 1;
}

/* Only a complete error costs nothing. */
static void a_client_that_leaves_during_an_error_may_be_billed(void **state)
{
    struct pair *pair = *state;
    static const struct script_step half[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(REPLY("503", "Content-Length: 25\r\n\r\n", "{\"error\"")),
        SCRIPT_HOLD};
    PLAY(pair->fixture->upstream, half);
    struct raw_client *client = raw_client_connect(pair->fixture->loop, pair->fixture->port);
    gateway_fixture_post(pair->fixture, client, POST("two", "\"max_tokens\":50"));
    raw_run_until(pair->fixture->loop, first_holds, pair, "half an error");
    raw_run_for(pair->fixture->loop, 20); /* its head has come */
    raw_client_reset(client);
    gateway_fixture_settle(pair->fixture);
    raw_client_free(&client);
    struct budget_view view;
    gateway_fixture_budget(pair->fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0 && view.held_nusd == 0);
    assert_int_equal(asked_second(pair), 0);
}

/* ---- the log ---- */

static void each_attempt_has_its_line(void **state)
{
    struct pair *pair = *state;
    char text[4096] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    access_log_set_fd(pair->fixture->worker->access_log, fileno(file));
    PLAY(pair->fixture->upstream, silent);
    assert_second_serves(pair, POST("two", "\"max_tokens\":50"));
    struct budget_view view;
    gateway_fixture_budget(pair->fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    raw_run_for(pair->fixture->loop, 1); /* lines are written at the end of a turn */
    access_log_set_fd(pair->fixture->worker->access_log, -1);
    rewind(file);
    struct span log = span_make(text, fread(text, 1, sizeof text - 1, file));
    fclose(file);
    assert_contains(log, "\"provider\":\"first\",\"status\":null,\"outcome\":\"upstream_timeout\","
                         "\"step\":\"FORWARD\"");
    assert_contains(log, "\"attempts\":1,\"retried\":true,");
    assert_contains(log, "\"provider\":\"second\",\"status\":200,\"outcome\":\"none\"");
    assert_contains(log, "\"attempts\":2,\"retried\":false,");
    char money[MONEY_TEXT_SIZE], member[64];
    snprintf(member, sizeof member, "\"cost_usd\":%s,", money_format(view.spent_nusd, money));
    assert_contains(log, member); /* of both */
}

int test_retries(void);
int test_retries(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(another_target_serves_after_a_5xx),
        WITH_PAIR(another_target_serves_after_a_429),
        WITH_PAIR(another_target_serves_after_silence),
        WITH_PAIR(another_target_serves_after_a_break),
        WITH_PAIR(another_target_serves_where_one_is_unreachable),
        WITH_PAIR(an_error_that_was_billed_is_in_the_sum),
        WITH_PAIR(the_last_error_passes_through),
        WITH_PAIR(after_the_first_byte_nothing_is_tried_again),
        WITH_PAIR(money_that_is_short_refuses),
        WITH_PAIR(weights_share_the_requests),
        WITH_PAIR(the_same_target_is_tried_again),
        WITH_PAIR(the_tries_come_to_an_end),
        WITH_PAIR(a_short_pause_is_waited_for),
        WITH_PAIR(a_long_pause_is_passed_on),
        WITH_PAIR(only_what_is_listed_is_tried_again),
        WITH_PAIR(all_tries_together_have_the_time_of_one),
        WITH_PAIR(a_client_that_leaves_in_between_is_settled_once),
        WITH_PAIR(a_gateway_that_stops_in_between_says_so),
        WITH_PAIR(a_client_that_leaves_during_an_error_may_be_billed),
        WITH_PAIR(each_attempt_has_its_line),
    };
    return cmocka_run_group_tests_name("gateway/retries", tests, NULL, NULL);
}
