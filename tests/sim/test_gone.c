/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that leave: what is billed for them, and when it was noticed. */
#include "harness.h"

int test_gone(void);

#define STREAM ",\"stream\":true"

static void assert_cancelled_since(struct harness *harness, int64_t cancelled, int64_t start_ms)
{
    await_bill(harness, "cancelled", cancelled);
    struct json *bill = get_bill(harness);
    assert_in_range(number(bill, "last_cancel_unix_ms"), start_ms, unix_ms());
    assert_int_equal(number(bill, "open"), 0);
    json_free(&bill);
}

static void a_client_that_closes_a_stream_is_noticed(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:gap=10ms,out=1000", STREAM);
    raw_client_read_until(client, "word ");
    int64_t start_ms = unix_ms();
    raw_client_free(&client);
    assert_cancelled_since(&harness, 1, start_ms);
    struct json *bill = get_bill(&harness);
    assert_int_equal(number(bill, "prompt_tokens"), PROMPT_TOKENS);
    assert_in_range(number(bill, "completion_tokens"), 1, 999);
    json_free(&bill);
    harness_fini(&harness);
}

/* The time is that of the leaving, not of the event that found out. */
static void a_long_gap_does_not_hide_a_close(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:gap=60s", STREAM);
    raw_client_read_until(client, "assistant");
    int64_t start_ms = unix_ms();
    raw_client_free(&client);
    assert_cancelled_since(&harness, 1, start_ms);
    assert_bill(&harness, "completion_tokens", 0);
    harness_fini(&harness);
}

static void a_reset_is_noticed(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:gap=60s", STREAM);
    raw_client_read_until(client, "assistant");
    int64_t start_ms = unix_ms();
    raw_client_reset(client);
    assert_cancelled_since(&harness, 1, start_ms);
    raw_client_free(&client);
    harness_fini(&harness);
}

/* A client that shut its side and then breaks off has left when it shut it. */
static void the_leaving_counts_from_its_first_sign(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:gap=60s", STREAM);
    raw_client_read_until(client, "assistant");
    raw_client_shut(client);
    raw_client_read_until(client, "still here");
    raw_run_for(harness.loop, 50);
    assert_bill(&harness, "cancelled", 0);
    int64_t reset_ms = unix_ms();
    raw_client_reset(client);
    raw_client_free(&client);
    await_bill(&harness, "cancelled", 1);
    struct json *bill = get_bill(&harness);
    assert_true(number(bill, "last_cancel_unix_ms") < reset_ms);
    json_free(&bill);
    harness_fini(&harness);
}

/* A whole answer is billed in full, whoever waits for it. */
static void a_client_may_leave_before_the_first_byte(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *whole = begin(&harness, "sim:ttft=60s,out=7", "");
    struct raw_client *stream = begin(&harness, "sim:ttft=60s,out=7", STREAM);
    await_bill(&harness, "open", 2);
    int64_t start_ms = unix_ms();
    raw_client_free(&whole);
    raw_client_free(&stream);
    assert_cancelled_since(&harness, 2, start_ms);
    assert_bill(&harness, "billed_requests", 2);
    assert_bill(&harness, "prompt_tokens", 2 * PROMPT_TOKENS);
    assert_bill(&harness, "completion_tokens", 7);
    harness_fini(&harness);
}

static void a_client_may_leave_a_silent_provider(void **state)
{
    (void)state;
    static const char *const models[] = {"sim:stall=0", "sim:stall=5"};
    struct harness harness;
    harness_init(&harness);
    for (int i = 0; i < 4; i++) {
        struct raw_client *client = begin(&harness, models[i % 2], i < 2 ? "" : STREAM);
        await_bill(&harness, "open", 1);
        int64_t start_ms = unix_ms();
        raw_client_free(&client);
        assert_cancelled_since(&harness, i + 1, start_ms);
    }
    assert_bill(&harness, "completion_tokens", 64 + 64 + 0 + 4);
    harness_fini(&harness);
}

static void a_client_that_shuts_its_side_is_served(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *extra;
        const char *last;
    } cases[] = {
        {"sim:ttft=50ms", "", "\"usage\""},
        {"sim:ttft=50ms,out=3", STREAM, "[DONE]"},
        {"sim:gap=10ms,out=3", STREAM, "[DONE]"},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw_client *client = begin(&harness, cases[i].model, cases[i].extra);
        raw_client_shut(client);
        raw_client_read_until(client, cases[i].last);
        raw_client_read_to_end(client);
        assert_false(raw_client_was_reset(client));
        raw_client_free(&client);
    }
    assert_bill(&harness, "cancelled", 0);
    harness_fini(&harness);
}

static void leaving_after_the_end_is_no_cancel(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:out=5", STREAM);
    await_bill(&harness, "completion_tokens", 5);
    raw_client_reset(client);
    raw_client_free(&client);
    /* An error that nobody waits for is none either. */
    client = begin(&harness, "sim:ttft=50ms,status=500", "");
    await_bill(&harness, "requests", 2);
    raw_client_reset(client);
    raw_client_free(&client);
    raw_run_for(harness.loop, 50);
    struct json *bill = get_bill(&harness);
    assert_int_equal(number(bill, "cancelled"), 0);
    assert_null_member(bill, "last_cancel_unix_ms");
    json_free(&bill);
    harness_fini(&harness);
}

static void a_client_may_leave_before_it_has_asked(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    raw_client_send_text(client, "POST " CHAT " HTTP/1.1\r\nHost: s\r\n"
                                 "Content-Length: 100\r\n\r\n{\"model\"");
    raw_run_for(harness.loop, 20);
    raw_client_reset(client);
    raw_client_free(&client);
    raw_run_for(harness.loop, 20);
    assert_bill(&harness, "requests", 0);
    assert_bill(&harness, "cancelled", 0);
    harness_fini(&harness);
}

static void stopping_ends_what_runs(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *streaming = begin(&harness, "sim:gap=60s", STREAM);
    struct raw_client *waiting = begin(&harness, "sim:ttft=60s", "");
    await_bill(&harness, "open", 2);
    sim_stop(&harness.sim);
    raw_client_read_to_end(streaming);
    raw_client_read_to_end(waiting);
    raw_client_free(&streaming);
    raw_client_free(&waiting);
    harness_fini(&harness);
}

int test_gone(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_closes_a_stream_is_noticed),
        cmocka_unit_test(a_long_gap_does_not_hide_a_close),
        cmocka_unit_test(a_reset_is_noticed),
        cmocka_unit_test(the_leaving_counts_from_its_first_sign),
        cmocka_unit_test(a_client_may_leave_before_the_first_byte),
        cmocka_unit_test(a_client_may_leave_a_silent_provider),
        cmocka_unit_test(a_client_that_shuts_its_side_is_served),
        cmocka_unit_test(leaving_after_the_end_is_no_cancel),
        cmocka_unit_test(a_client_may_leave_before_it_has_asked),
        cmocka_unit_test(stopping_ends_what_runs),
    };
    return cmocka_run_group_tests_name("sim/gone", tests, NULL, NULL);
}
