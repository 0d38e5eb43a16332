/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What comes when a model's targets fail: fallback models, and rest for the targets. */
#include "pair.h"

#include "base/clock.h"
#include "policy/cells.h"

/* ---- fallbacks ---- */

#define BIG(fallback) \
    "  big: {targets: [{provider: first, model: f}], fallback: " fallback ", " PRICED "}\n"
#define CHEAP                                                                              \
    "  cheap: {targets: [{provider: second, model: s}], price: {input: 0.1, output: 1},\n" \
    "          context_window: 1000}\n"
#define UNPRICED "  unpriced: {targets: [{provider: second, model: u}], fallback: cheap}\n"

static void assert_cheap_serves(struct pair *pair)
{
    struct raw_reply reply;
    PLAY(pair->fixture->upstream, down);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "cheap");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-requested-model")), "big");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.000021");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 2); /* its own tries first */
    assert_int_equal(asked_second(pair), 1);
    assert_contains(scripted_upstream_body(pair->second, 0), "\"model\":\"s\"");
    assert_budget(pair->fixture, 21000, 0, 0); /* at the price of what served */
}

static void a_fallback_serves_when_all_tries_failed(void **state)
{
    struct pair *pair = *state;
    reload(pair, HEAD BIG("cheap") CHEAP TENANT);
    assert_cheap_serves(pair);
}

static void an_unpriced_fallback_is_passed_over(void **state)
{
    struct pair *pair = *state;
    reload(pair, HEAD BIG("unpriced") UNPRICED CHEAP TENANT);
    assert_cheap_serves(pair);
}

static void a_fallback_that_is_not_the_key_s_is_none(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    reload(pair, HEAD BIG("cheap") CHEAP "tenants:\n  t:\n    models: [big]\n" CONFIG_KEY);
    PLAY(pair->fixture->upstream, down);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    assert_contains(buf_span(&reply.body), "down");
    raw_reply_fini(&reply);
    assert_int_equal(asked_second(pair), 0);
}

/* ---- breakers ---- */

static enum health_state health_of(struct pair *pair, const char *name)
{
    struct health_cell *cell = cells_health(pair->fixture->cells, name);
    enum health_state state = health_look(cell, clock_monotonic_ns());
    health_cell_unref(&cell);
    return state;
}

#define ONCE_CELL "target once first f"

static bool may_be_probed(void *argument)
{
    return health_of(argument, ONCE_CELL) == HEALTH_HALF_OPEN;
}

static void post_once(struct pair *pair, int status)
{
    struct raw_reply reply;
    gateway_fixture_exchange(pair->fixture, POST("once", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, status);
    raw_reply_fini(&reply);
}

/* Five failures on one connection, which then goes on as `after` says. */
static void open_breaker(struct pair *pair, const struct script_step *after, size_t count)
{
    static struct script_step script[2 * HEALTH_FAILURES + 8];
    for (size_t i = 0; i < HEALTH_FAILURES; i++)
        memcpy(&script[2 * i], down, 2 * sizeof down[0]);
    memcpy(&script[2 * HEALTH_FAILURES], after, count * sizeof after[0]);
    scripted_upstream_play(pair->fixture->upstream, script, 2 * HEALTH_FAILURES + count);
    for (int i = 0; i < HEALTH_FAILURES; i++)
        post_once(pair, 503);
    assert_int_equal(health_of(pair, ONCE_CELL), HEALTH_OPEN);
}
#define OPEN_BREAKER(pair, after) open_breaker(pair, after, sizeof(after) / sizeof((after)[0]))

static void a_target_that_fails_rests_and_is_probed(void **state)
{
    struct pair *pair = *state;
    OPEN_BREAKER(pair, good);
    struct raw_reply reply;
    gateway_fixture_exchange(pair->fixture, POST("once", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    assert_contains(buf_span(&reply.body), "upstream_unavailable");
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "1");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), HEALTH_FAILURES); /* it was left alone */
    raw_run_until(pair->fixture->loop, may_be_probed, pair, "the end of the rest");
    post_once(pair, 200);
    assert_int_equal(health_of(pair, ONCE_CELL), HEALTH_CLOSED);
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0);
}

static void a_refused_reservation_gives_the_probe_back(void **state)
{
    struct pair *pair = *state;
    OPEN_BREAKER(pair, good);
    raw_run_until(pair->fixture->loop, may_be_probed, pair, "the end of the rest");
    reload(pair,
           HEAD "tenants:\n  t:\n    budgets: [{name: total, window: total, usd: 0}]\n" CONFIG_KEY);
    post_once(pair, 402);
    reload(pair, HEAD TENANT);
    post_once(pair, 200);
}

static bool first_holds(void *argument)
{
    const struct pair *pair = argument;
    return scripted_upstream_holding(pair->fixture->upstream) == 1;
}

/* Opens the breaker, waits for the end of the rest, and lets a stream be the probe. */
static struct raw_client *start_probe(struct pair *pair, const struct script_step *after,
                                      size_t count)
{
    open_breaker(pair, after, count);
    raw_run_until(pair->fixture->loop, may_be_probed, pair, "the end of the rest");
    struct raw_client *client = raw_client_connect(pair->fixture->loop, pair->fixture->port);
    gateway_fixture_post(pair->fixture, client, POST("once", "\"stream\":true"));
    raw_run_until(pair->fixture->loop, first_holds, pair, "the probe");
    return client;
}

static void there_is_one_probe_at_a_time(void **state)
{
    struct pair *pair = *state;
    struct raw_client *client = start_probe(pair, silent, 2);
    struct raw_client *other = raw_client_connect(pair->fixture->loop, pair->fixture->port);
    gateway_fixture_post(pair->fixture, other, POST("once", "\"seed\":1"));
    raw_client_read_until(other, "upstream_unavailable");
    raw_client_free(&other);
    raw_client_free(&client); /* a probe without a verdict: another one may try */
    gateway_fixture_settle(pair->fixture);
    PLAY(pair->fixture->upstream, good);
    post_once(pair, 200);
}

static void a_long_stream_has_passed_with_its_head(void **state)
{
    static const struct script_step stream[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n"),
        SCRIPT_HOLD};
    struct pair *pair = *state;
    struct raw_client *client = start_probe(pair, stream, 3);
    raw_client_read_until(client, "data: {}");
    assert_int_equal(health_of(pair, ONCE_CELL), HEALTH_CLOSED);
    raw_client_free(&client);
}

static void a_target_that_rests_comes_last(void **state)
{
    struct pair *pair = *state;
    struct health_cell *cell = cells_health(pair->fixture->cells, "target two first f");
    health_rest(cell, HEALTH_REST_MOST_NS, clock_monotonic_ns());
    health_cell_unref(&cell);
    PLAY(pair->second, down);
    struct raw_reply reply;
    gateway_fixture_exchange(pair->fixture, POST("two", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 503);
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 0);
    assert_int_equal(asked_second(pair), 2); /* both tries */
}

static bool first_was_asked(void *argument)
{
    const struct pair *pair = argument;
    return asked_first(pair) == pair->awaited;
}

static void a_client_that_leaves_says_nothing_of_health(void **state)
{
    struct pair *pair = *state;
    PLAY(pair->fixture->upstream, silent);
    for (int i = 0; i < HEALTH_FAILURES; i++) {
        struct raw_client *client = raw_client_connect(pair->fixture->loop, pair->fixture->port);
        pair->awaited = asked_first(pair) + 1;
        gateway_fixture_post(pair->fixture, client, POST("once", "\"seed\":1"));
        raw_run_until(pair->fixture->loop, first_was_asked, pair, "the request");
        raw_client_reset(client);
        gateway_fixture_settle(pair->fixture);
        raw_client_free(&client);
    }
    assert_int_equal(health_of(pair, ONCE_CELL), HEALTH_CLOSED);
}

int test_breakers(void);
int test_breakers(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(a_fallback_serves_when_all_tries_failed),
        WITH_PAIR(an_unpriced_fallback_is_passed_over),
        WITH_PAIR(a_fallback_that_is_not_the_key_s_is_none),
        WITH_PAIR(a_target_that_fails_rests_and_is_probed),
        WITH_PAIR(a_refused_reservation_gives_the_probe_back),
        WITH_PAIR(there_is_one_probe_at_a_time),
        WITH_PAIR(a_long_stream_has_passed_with_its_head),
        WITH_PAIR(a_target_that_rests_comes_last),
        WITH_PAIR(a_client_that_leaves_says_nothing_of_health),
    };
    return cmocka_run_group_tests_name("gateway/breakers", tests, NULL, NULL);
}
