/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The bill: prices, rounding, sums beyond 64 bits, models, resets. */
#include "harness.h"

int test_bill(void);

static void spend(struct harness *harness, const char *model)
{
    struct json *root = ask_json(harness, model, "");
    json_free(&root);
}

static void assert_usd(struct harness *harness, const char *path, const char *expected)
{
    struct json *bill = get_bill(harness);
    assert_text(bill, path, expected);
    json_free(&bill);
}

static void an_empty_bill(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *bill = get_bill(&harness);
    assert_int_equal(number(bill, "requests"), 0);
    assert_int_equal(number(bill, "billed_requests"), 0);
    assert_text(bill, "usd", "0.00");
    assert_int_equal(number(bill, "nano_usd"), 0);
    assert_int_equal(json_type(look(bill, "by_model")), JSON_OBJECT);
    assert_null(json_first(look(bill, "by_model")));
    assert_null_member(bill, "last_cancel_unix_ms");
    json_free(&bill);
    harness_fini(&harness);
}

static void the_default_prices(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    /* 600 × 0.15 + 400 × 0.075 + 64 × 0.60, a million each */
    spend(&harness, "sim:in=1000,cached=400");
    assert_bill(&harness, "nano_usd", 90000 + 30000 + 38400);
    assert_usd(&harness, "usd", "0.0001584");
    harness_fini(&harness);
}

/* Every request is rounded by itself, and once. */
static void charges_are_rounded_up(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness, "{\"*\":{\"input\":\"0.0001\",\"output\":\"0.0002\"}}");
    spend(&harness, "sim:in=1,out=1"); /* 300 pico-dollars */
    assert_bill(&harness, "nano_usd", 1);
    spend(&harness, "sim:in=4,out=3"); /* exactly 1000 */
    assert_bill(&harness, "nano_usd", 2);
    spend(&harness, "sim:in=5,out=3"); /* 1100 */
    assert_bill(&harness, "nano_usd", 4);
    spend(&harness, "sim:in=0,out=0");
    assert_bill(&harness, "nano_usd", 4);
    assert_usd(&harness, "usd", "0.000000004");
    harness_fini(&harness);
}

/* A stream's charge grows with it and ends where a whole answer's would be. */
static void a_stream_is_rounded_once(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init_priced(&harness, "{\"*\":{\"input\":\"0.0001\",\"output\":\"0.0002\"}}");
    ask_events(&harness, "sim:in=1,out=50,gap=1ms", "", &events);
    events_fini(&events);
    assert_bill(&harness, "nano_usd", 11); /* 10,100 pico-dollars */
    harness_fini(&harness);
}

static void models_have_their_own_prices(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness,
                        "{\"sim:in=10,out=1\":{\"input\":\"2.50\",\"output\":\"10\"},"
                        "\"sim:in=10,out=1,cached=4\":{\"input\":\"2.50\",\"cached_input\":"
                        "\"1.25\",\"output\":\"10.000000\"},"
                        "\"sim:in=10,cached=10,out=1\":{\"input\":\"1\",\"output\":\"0\"},"
                        "\"*\":{\"input\":\"0.5\",\"output\":\"3\"}}");
    spend(&harness, "sim:in=10,out=1");
    spend(&harness, "sim:in=10,out=1,cached=4");
    spend(&harness, "sim:in=10,cached=10,out=1");
    spend(&harness, "sim:in=2,out=1");
    spend(&harness, "sim:in=2,out=1");
    struct json *bill = get_bill(&harness);
    const struct json *models = look(bill, "by_model");
    assert_int_equal(number(json_get(models, "sim:in=10,out=1"), "nano_usd"), 35000);
    assert_int_equal(number(json_get(models, "sim:in=10,out=1,cached=4"), "nano_usd"), 30000);
    assert_int_equal(number(json_get(models, "sim:in=10,cached=10,out=1"), "nano_usd"), 10000);
    const struct json *twice = json_get(models, "sim:in=2,out=1");
    assert_int_equal(number(twice, "billed_requests"), 2);
    assert_int_equal(number(twice, "prompt_tokens"), 4);
    assert_int_equal(number(twice, "completion_tokens"), 2);
    assert_int_equal(number(twice, "cached_tokens"), 0);
    assert_int_equal(number(twice, "nano_usd"), 8000);
    assert_text(twice, "usd", "0.000008");
    assert_int_equal(number(bill, "nano_usd"), 83000);
    assert_int_equal(number(bill, "cached_tokens"), 14);
    json_free(&bill);
    harness_fini(&harness);
}

/* 999,999,999.999999 USD a million, for a thousand million tokens and a few. */
static void sums_pass_64_bits(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init_priced(&harness,
                        "{\"*\":{\"input\":\"999999999.999999\",\"output\":\"0.000001\"}}");
    for (int i = 0; i < 20; i++)
        spend(&harness, "sim:in=1000000000,out=1");
    request(&harness, "GET", "/sim/bill", "", &reply);
    struct span body = buf_span(&reply.body);
    /* each: 10^9 × 999,999,999,999,999 + 1 pico-dollars */
    struct span nano = SPAN("\"nano_usd\":19999999999999980000020,");
    struct span usd = SPAN("\"usd\":\"19999999999999.98000002\"");
    assert_true(span_search(body, nano) < body.len);
    assert_true(span_search(body, usd) < body.len);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void a_reset_answers_with_what_it_clears(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    spend(&harness, "sim:out=5");
    struct raw_client *left = begin(&harness, "sim:gap=60s", ",\"stream\":true");
    await_bill(&harness, "open", 1);
    raw_client_free(&left);
    await_bill(&harness, "cancelled", 1);
    struct json *bill = get_json(&harness, "POST", "/sim/reset");
    assert_int_equal(number(bill, "requests"), 2);
    assert_int_equal(number(bill, "completion_tokens"), 5);
    json_free(&bill);
    bill = get_bill(&harness);
    assert_int_equal(number(bill, "requests"), 0);
    assert_int_equal(number(bill, "nano_usd"), 0);
    assert_int_equal(number(bill, "cancelled"), 0);
    assert_null_member(bill, "last_cancel_unix_ms");
    assert_null(json_first(look(bill, "by_model")));
    json_free(&bill);
    spend(&harness, "sim:out=5");
    assert_bill(&harness, "completion_tokens", 5);
    harness_fini(&harness);
}

/* What began before a reset leaves no trace on the new bill. */
static void a_reset_forgets_what_still_runs(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *stays = begin(&harness, "sim:ttft=30ms,out=9", ",\"stream\":true");
    struct raw_client *leaves = begin(&harness, "sim:gap=60s,out=9", ",\"stream\":true");
    await_bill(&harness, "open", 2);
    struct json *bill = get_json(&harness, "POST", "/sim/reset");
    json_free(&bill);
    assert_bill(&harness, "open", 2);
    raw_client_free(&leaves);
    raw_client_read_until(stays, "[DONE]");
    raw_client_free(&stays);
    await_bill(&harness, "open", 0);
    bill = get_bill(&harness);
    assert_int_equal(number(bill, "billed_requests"), 0);
    assert_int_equal(number(bill, "completion_tokens"), 0);
    assert_int_equal(number(bill, "nano_usd"), 0);
    assert_int_equal(number(bill, "cancelled"), 0);
    assert_null(json_first(look(bill, "by_model")));
    json_free(&bill);
    harness_fini(&harness);
}

static void too_many_models_are_tallied_together(void **state)
{
    (void)state;
    enum { KNOWN = 1000, MORE = 5 };
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    for (int i = 0; i < KNOWN + MORE; i++) {
        char model[32];
        struct raw_reply reply;
        snprintf(model, sizeof(model), "model-%d", i);
        send_request(client, "POST", CHAT, chat_body(model, ",\"max_tokens\":1"));
        raw_client_read_reply(client, false, &reply);
        assert_int_equal(reply.status, 200);
        raw_reply_fini(&reply);
    }
    raw_client_free(&client);
    struct json *bill = get_bill(&harness);
    const struct json *models = look(bill, "by_model");
    assert_int_equal(number(json_get(models, "*"), "billed_requests"), MORE);
    assert_int_equal(number(json_get(models, "model-999"), "billed_requests"), 1);
    assert_null(json_get(models, "model-1000"));
    assert_int_equal(number(bill, "billed_requests"), KNOWN + MORE);
    json_free(&bill);
    harness_fini(&harness);
}

static void bad_prices_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nonsense",
        "[]",
        "{\"a\":1}",
        "{\"a\":{\"input\":\"1\"}}",
        "{\"a\":{\"output\":\"1\"}}",
        "{\"a\":{\"input\":1,\"output\":\"1\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"1.\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\".1\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"-1\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"1e3\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"0.0000001\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"1000000000\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"1\",\"cache\":\"1\"}}",
        "{\"a\":{\"input\":\"1\",\"output\":\"1\"},\"a\":{\"input\":\"2\",\"output\":\"2\"}}",
    };
    struct loop *loop = loop_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *error = NULL;
        struct sim_settings settings = {.address = "127.0.0.1:0",
                                        .prices = span_from_string(bad[i])};
        struct sim *sim = sim_start(loop, &settings, &error);
        if (sim != NULL)
            fail_msg("accepted: %s", bad[i]);
        assert_true(strncmp(error, "prices: ", 8) == 0);
    }
    loop_free(&loop);
}

int test_bill(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_bill),
        cmocka_unit_test(the_default_prices),
        cmocka_unit_test(charges_are_rounded_up),
        cmocka_unit_test(a_stream_is_rounded_once),
        cmocka_unit_test(models_have_their_own_prices),
        cmocka_unit_test(sums_pass_64_bits),
        cmocka_unit_test(a_reset_answers_with_what_it_clears),
        cmocka_unit_test(a_reset_forgets_what_still_runs),
        cmocka_unit_test(too_many_models_are_tallied_together),
        cmocka_unit_test(bad_prices_are_refused),
    };
    return cmocka_run_group_tests_name("sim/bill", tests, NULL, NULL);
}
