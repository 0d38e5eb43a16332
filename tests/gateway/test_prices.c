/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Which price a request is held and charged at: the target's, in the tier that served it. */
#include "pair.h"

#include <unistd.h>

int test_prices(void);

/* Of the provider `second` alone: 0.1 and 1 a million. */
static const char price_file[] =
    "{\"format\":\"weir-prices-1\",\"providers\":[{\"id\":\"second\",\"models\":[{\"id\":\"s\","
    "\"prices\":[{\"input\":0.1,\"output\":1}]}]}]}";

/* Of both, at different prices. */
static const char both_file[] =
    "{\"format\":\"weir-prices-1\",\"providers\":[{\"id\":\"first\",\"models\":[{\"id\":\"f\","
    "\"prices\":[{\"input\":5,\"output\":5}]}]},{\"id\":\"second\",\"models\":[{\"id\":\"s\","
    "\"prices\":[{\"input\":0.1,\"output\":1}]}]}]}";

#define MODEL(REST)                                                                               \
    "  big: {targets: [{provider: first, model: f, weight: 1000}, {provider: second, model: s}]," \
    "\n    context_window: 100000, max_output_tokens: 1000, hidden_input: 0" REST "}\n"

/* Reloads with `yaml` under a catalogue of that text. */
static void reload_priced(struct pair *pair, const char *prices, const char *yaml)
{
    char path[] = "/tmp/weir-prices-XXXXXX";
    char text[4096];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, prices, strlen(prices)), strlen(prices));
    close(file);
    snprintf(text, sizeof text, "prices: %s\n%s", path, yaml);
    reload(pair, text);
    unlink(path);
}

static void a_target_without_a_price_is_passed_over(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    reload_priced(pair, price_file, HEAD MODEL("") TENANT);
    PLAY(pair->fixture->upstream, good);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.000021");
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 0);
    assert_int_equal(asked_second(pair), 1);
    assert_budget(pair->fixture, 21000, 0, 0);

    /* where no money is held it serves as before, at no known cost */
    reload_priced(pair, price_file,
                  HEAD MODEL("") "tenants:\n  free:\n    models: [big]\n" CONFIG_KEY);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(raw_reply_field(&reply, SPAN("x-weir-cost-usd")).len, 0);
    raw_reply_fini(&reply);
    assert_int_equal(asked_first(pair), 1);
}

static void each_target_has_its_own_price(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    static const struct script_step good_then_down[] = {SCRIPT_REQUEST, SCRIPT_SEND(SERVED),
                                                        SCRIPT_REQUEST, SCRIPT_SEND(DOWN)};
    reload_priced(pair, both_file, HEAD MODEL("") TENANT);
    PLAY(pair->fixture->upstream, good_then_down);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.00015");
    raw_reply_fini(&reply);
    assert_budget(pair->fixture, 150000, 0, 0);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-provider")), "second");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.000021");
    raw_reply_fini(&reply);
    assert_budget(pair->fixture, 171000, 0, 0);
}

static void a_model_s_own_price_is_for_all_its_targets(void **state)
{
    struct pair *pair = *state;
    struct raw_reply reply;
    reload_priced(pair, both_file, HEAD MODEL(", price: {input: 1, output: 2}") TENANT);
    PLAY(pair->fixture->upstream, down);
    PLAY(pair->second, good);
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    raw_reply_fini(&reply);
    assert_budget(pair->fixture, ANSWER_NUSD, 0, 0);
}

#define IN_TIER(tier)           \
    "{\"service_tier\":\"" tier \
    "\",\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{" FIGURES "}}"

static void ask(struct pair *pair)
{
    struct raw_reply reply;
    gateway_fixture_exchange(pair->fixture, POST("big", "\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
}

static void the_tier_of_the_answer_is_charged(void **state)
{
    struct pair *pair = *state;
    struct gateway_fixture *fixture = pair->fixture;
    char room[4][600];
    const struct script_step script[] = {
        SCRIPT_REQUEST, http_json(room[0], 200, IN_TIER("flex")),
        SCRIPT_REQUEST, http_json(room[1], 200, IN_TIER("priority")),
        SCRIPT_REQUEST, http_json(room[2], 200, IN_TIER("default")),
        SCRIPT_REQUEST, http_json(room[3], 200, IN_TIER("scale")),
    };
    reload(pair, HEAD MODEL(", price: {input: 1, output: 2, service_tiers: {flex: 0.5, priority: "
                            "1.5}}") TENANT);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    ask(pair);
    assert_budget(fixture, ANSWER_NUSD / 2, 0, 0);
    ask(pair);
    assert_budget(fixture, ANSWER_NUSD * 2, 0, 0);
    ask(pair);
    assert_budget(fixture, ANSWER_NUSD * 3, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_TIER_UNPRICED), 0);
    /* nobody knows its price: the dearest that is known */
    ask(pair);
    assert_budget(fixture, ANSWER_NUSD * 9 / 2, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_TIER_UNPRICED), 1);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_BOUND_BREACHES), 0);
}

int test_prices(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(a_target_without_a_price_is_passed_over),
        WITH_PAIR(each_target_has_its_own_price),
        WITH_PAIR(a_model_s_own_price_is_for_all_its_targets),
        WITH_PAIR(the_tier_of_the_answer_is_charged),
    };
    return cmocka_run_group_tests_name("gateway/prices", tests, NULL, NULL);
}
