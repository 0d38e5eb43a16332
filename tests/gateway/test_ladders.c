/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets that make a request wait, slow it down, send it elsewhere, or close a target. */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

int test_ladders(void);

#define MODELS                                                                              \
    "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\n"                                         \
    "timeouts: {connect: 500ms, first_byte: 5s, idle: 5s, request: 20s}\n"                  \
    "providers:\n  scripted: {kind: openai, base_url: '%s', api_key: provider-secret}\n"    \
    "models:\n"                                                                             \
    "  small: {targets: [{provider: scripted, model: up-small}], retries: {attempts: 1},\n" \
    "          price: {input: 1, output: 2}, context_window: 100000,\n"                     \
    "          max_output_tokens: 1000, hidden_input: 0, fallback: cheap}\n"                \
    "  cheap: {targets: [{provider: scripted, model: up-cheap}], retries: {attempts: 1},\n" \
    "          price: {input: 0, output: 0.001}, context_window: 100000,\n"                 \
    "          max_output_tokens: 1000, hidden_input: 0}\n"
#define BUDGET(more) \
    MODELS "tenants:\n  t:\n    budgets: [{name: total, window: total, " more "}]\n" CONFIG_KEY

/* 10 × 1,000 + 20 × 2,000 nano-dollars. */
#define ANSWER                                                                           \
    "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{\"prompt_tokens\":10," \
    "\"completion_tokens\":20,\"total_tokens\":30}}"

/* On its connection the first request waits to be released, and the others do not. */
static void play_answers(struct gateway_fixture *fixture, bool hold_first)
{
    static char bytes[1024];
    static struct script_step hold[6], plain[3];
    const struct script_step request = SCRIPT_REQUEST, wait = SCRIPT_HOLD, again = SCRIPT_AGAIN;
    const struct script_step answer = http_json(bytes, 200, ANSWER);
    const struct script_step held[] = {request, wait, answer, request, answer, again};
    const struct script_step at_once[] = {request, answer, again};
    memcpy(hold, held, sizeof hold);
    memcpy(plain, at_once, sizeof plain);
    if (hold_first)
        SCRIPTED_UPSTREAM_PLAY(fixture->upstream, hold);
    else
        SCRIPTED_UPSTREAM_PLAY(fixture->upstream, plain);
}

static void ask(struct gateway_fixture *fixture, const char *body, int status,
                struct raw_reply *reply)
{
    gateway_fixture_exchange(fixture, body, reply);
    assert_int_equal(reply->status, status);
}

/* ---- waiting ---- */

static bool is_held(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return scripted_upstream_holding(fixture->upstream) == 1;
}

/* One answer's money, and somebody has it: the second request gets what the first leaves over. */
static void money_that_comes_free_is_waited_for(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_answers(fixture, true);
    gateway_fixture_reload(fixture, BUDGET("usd: 0.0006, max_hold: 100%"));
    struct raw_client *first = raw_client_connect(fixture->loop, fixture->port);
    struct raw_client *second = raw_client_connect(fixture->loop, fixture->port);
    struct raw_reply reply;
    gateway_fixture_post(fixture, first, CHAT("\"max_tokens\":200"));
    raw_run_until(fixture->loop, is_held, fixture, "the provider has it");
    gateway_fixture_post(fixture, second, CHAT("\"max_tokens\":150"));
    raw_run_for(fixture->loop, 50);
    assert_int_equal(scripted_upstream_holding(fixture->upstream), 1); /* it waits, unsent */
    scripted_upstream_release(fixture->upstream);
    raw_client_read_reply(first, false, &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
    raw_client_read_reply(second, false, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(raw_reply_field(&reply, SPAN("x-weir-max-tokens")).len == 0); /* whole */
    raw_reply_fini(&reply);
    raw_client_free(&first);
    raw_client_free(&second);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, 100000, 0, 0);
}

static void patience_has_an_end(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_answers(fixture, true);
    gateway_fixture_reload(fixture, BUDGET("usd: 0.0006, max_hold: 100%, budget_wait: 50ms"));
    struct raw_client *first = raw_client_connect(fixture->loop, fixture->port);
    struct raw_client *second = raw_client_connect(fixture->loop, fixture->port);
    struct raw_reply reply;
    gateway_fixture_post(fixture, first, CHAT("\"max_tokens\":220"));
    raw_run_until(fixture->loop, is_held, fixture, "the provider has it");
    gateway_fixture_post(fixture, second, CHAT("\"max_tokens\":200"));
    raw_client_read_reply(second, false, &reply);
    assert_int_equal(reply.status, 429);
    assert_contains(buf_span(&reply.body), "budget_busy");
    raw_reply_fini(&reply);
    raw_client_free(&second);
    scripted_upstream_release(fixture->upstream);
    raw_client_read_reply(first, false, &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
    raw_client_free(&first);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, 50000, 0, 0);
}

/* Who waits and leaves stands in no queue any more, and takes nothing. */
static void one_who_waits_may_leave(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_answers(fixture, true);
    gateway_fixture_reload(fixture, BUDGET("usd: 0.0006, max_hold: 100%, budget_wait: 10s"));
    struct raw_client *first = raw_client_connect(fixture->loop, fixture->port);
    struct raw_client *second = raw_client_connect(fixture->loop, fixture->port);
    struct raw_reply reply;
    gateway_fixture_post(fixture, first, CHAT("\"max_tokens\":220"));
    raw_run_until(fixture->loop, is_held, fixture, "the provider has it");
    gateway_fixture_post(fixture, second, CHAT("\"max_tokens\":200"));
    raw_run_for(fixture->loop, 30);
    raw_client_free(&second);
    raw_run_for(fixture->loop, 30);
    scripted_upstream_release(fixture->upstream);
    raw_client_read_reply(first, false, &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
    raw_client_free(&first);
    gateway_fixture_settle(fixture);
    assert_budget(fixture, 50000, 0, 0);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 1);
}

/* ---- the ladder ---- */

static void a_budget_nearly_spent_slows_down(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    play_answers(fixture, false);
    gateway_fixture_reload(
        fixture, BUDGET("usd: 0.001, max_hold: 100%, steps: [{at: 1%, do: warn}, {at: 4%, do: "
                        "throttle, requests_per_minute: 1}]"));
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-breaker")), "closed");
    raw_reply_fini(&reply);
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply); /* 5 % are spent: one a minute */
    assert_span(raw_reply_field(&reply, SPAN("x-weir-breaker")), "throttle");
    raw_reply_fini(&reply);
    ask(fixture, CHAT("\"max_tokens\":50"), 429, &reply);
    assert_contains(buf_span(&reply.body), "lets 1 requests a minute");
    assert_true(raw_reply_field(&reply, SPAN("retry-after")).len > 0);
    raw_reply_fini(&reply);
    assert_budget(fixture, 100000, 0, 0);
}

static void a_budget_nearly_spent_downgrades(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    play_answers(fixture, false);
    gateway_fixture_reload(fixture,
                           BUDGET("usd: 0.001, max_hold: 100%, steps: [{at: 4%, do: downgrade}]"));
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "small");
    raw_reply_fini(&reply);
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "cheap");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-requested-model")), "small");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-breaker")), "downgrade");
    raw_reply_fini(&reply);
    assert_budget(fixture, 50000 + 20, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_DOWNGRADES), 1);
}

/* Without a fallback that this key may use there is nowhere to go: the model itself serves. */
static void a_downgrade_needs_somewhere_to_go(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    play_answers(fixture, false);
    gateway_fixture_reload(
        fixture, MODELS
        "tenants:\n  t:\n    models: [small]\n    budgets: [{name: total, window: "
        "total, usd: 0.001, max_hold: 100%, steps: [{at: 4%, do: downgrade}]}]\n" CONFIG_KEY);
    for (int i = 0; i < 2; i++) {
        ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
        assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "small");
        raw_reply_fini(&reply);
    }
    assert_int_equal(gateway_fixture_total(fixture, METRIC_DOWNGRADES), 0);
}

static void a_budget_that_observes_counts(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    play_answers(fixture, false);
    gateway_fixture_reload(fixture,
                           BUDGET("usd: 0.00006, mode: observe, steps: [{at: 50%, do: warn}]"));
    for (int i = 0; i < 3; i++) {
        ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
        raw_reply_fini(&reply);
    }
    assert_true(gateway_fixture_total(fixture, METRIC_BUDGET_OBSERVED) >= 2);
    assert_budget(fixture, 150000, 0, 0);
}

/* ---- breaches ---- */

static void a_target_that_breaks_its_bound_is_closed(void **state)
{
    static char bytes[1024];
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    struct script_step script[] = {
        SCRIPT_REQUEST,
        http_json(bytes, 200,
                  "{\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":"
                  "9000,\"total_tokens\":9010}}"),
        SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_reload(
        fixture, MODELS "tenants:\n  t:\n    models: [small]\n    budgets: [{name: total, window: "
                        "total, usd: 1}]\n" CONFIG_KEY);
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
    raw_reply_fini(&reply);
    ask(fixture, CHAT("\"max_tokens\":50"), 503, &reply);
    assert_contains(buf_span(&reply.body), "bound_breached");
    raw_reply_fini(&reply);
    /* No budget: the bound is nobody's. */
    gateway_fixture_reload(fixture, MODELS "tenants:\n  t:\n    models: [small]\n" CONFIG_KEY);
    ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
    raw_reply_fini(&reply);
}

/* Nothing is held in dollars under a budget of tokens, nor where no budget is about the request: no
 * cost breaks a bound there. */
static void without_dollars_held_no_bound_is_broken(void **state)
{
    static const char *const budgets[] = {BUDGET("tokens: 100000"),
                                          BUDGET("usd: 1, match: {model: cheap}"),
                                          BUDGET("usd: 0.0000001, mode: observe")};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    play_answers(fixture, false);
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        gateway_fixture_reload(fixture, budgets[i]);
        for (int request = 0; request < 2; request++) {
            ask(fixture, CHAT("\"max_tokens\":50"), 200, &reply);
            assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "small");
            raw_reply_fini(&reply);
        }
    }
    assert_int_equal(gateway_fixture_total(fixture, METRIC_BOUND_BREACHES), 0);
}

int test_ladders(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(money_that_comes_free_is_waited_for),
        WITH_GATEWAY(patience_has_an_end),
        WITH_GATEWAY(one_who_waits_may_leave),
        WITH_GATEWAY(a_budget_nearly_spent_slows_down),
        WITH_GATEWAY(a_budget_nearly_spent_downgrades),
        WITH_GATEWAY(a_downgrade_needs_somewhere_to_go),
        WITH_GATEWAY(a_budget_that_observes_counts),
        WITH_GATEWAY(a_target_that_breaks_its_bound_is_closed),
        WITH_GATEWAY(without_dollars_held_no_bound_is_broken),
    };
    return cmocka_run_group_tests_name("gateway/ladders", tests, NULL, NULL);
}
