/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of reading: heads, bodies, idle connections. */
#include "service.h"

#define SHORT_MS 150
#define SLACK_MS 400 /* the coarse timer, and a busy machine under sanitizers */

static void short_head(struct service *service)
{
    service->settings.head_timeout_ms = SHORT_MS;
}

static void expect_about(int64_t start_ms, int64_t wanted_ms)
{
    int64_t took_ms = test_now_ms() - start_ms;
    assert_true(took_ms >= wanted_ms - 5);
    assert_true(took_ms < wanted_ms + SLACK_MS);
}

static void expect_late_head(const char *start)
{
    struct service service;
    service_init_with(&service, short_head);
    struct raw_client *client = service_connect(&service);
    int64_t start_ms = test_now_ms();
    raw_client_send_text(client, start);
    raw_client_read_until(client, "408");
    expect_about(start_ms, SHORT_MS);
    expect_refusal(client, ERR_HEAD_TIMEOUT);
    assert_int_equal(service.refusals, 1);
    assert_int_equal(service.refused, ERR_HEAD_TIMEOUT);
    assert_int_equal(service.count, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_late_head_is_answered_408(void **state)
{
    (void)state;
    expect_late_head("");
    expect_late_head("GET / HTTP/1.1\r\nHost:");
}

/* Progress buys no time: the deadline counts from the first byte. */
static void a_trickling_head_is_answered_408(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_head);
    struct raw_client *client = service_connect(&service);
    int64_t start_ms = test_now_ms();
    raw_client_send_text(client, "GET / HTTP/1.1\r\nX: ");
    while (service.refusals == 0 && test_now_ms() - start_ms < 5000) {
        raw_client_try_send(client, SPAN("a"));
        raw_run_for(service.loop, 10);
    }
    expect_about(start_ms, SHORT_MS);
    expect_refusal(client, ERR_HEAD_TIMEOUT);
    raw_client_free(&client);
    service_fini(&service);
}

static void the_clock_of_a_later_head_starts_with_its_first_byte(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_head);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET / ");
    raw_run_for(service.loop, SHORT_MS * 2);
    assert_int_equal(service.refusals, 0);
    int64_t start_ms = test_now_ms();
    raw_client_send_text(client, "G");
    await(&service, &service.refusals, "the refusal");
    expect_about(start_ms, SHORT_MS);
    expect_refusal(client, ERR_HEAD_TIMEOUT);
    raw_client_free(&client);
    service_fini(&service);
}

static void short_idle(struct service *service)
{
    service->settings.idle_timeout_ms = SHORT_MS;
}

static void an_idle_connection_closes_quietly(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_idle);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET / ");
    int64_t start_ms = test_now_ms();
    raw_client_read_to_end(client);
    expect_about(start_ms, SHORT_MS);
    assert_int_equal(raw_client_received(client).len, 0);
    assert_int_equal(service.refusals, 0);
    raw_client_free(&client);
    service_fini(&service);
}

/* The walk over the deadlines that the first one starts must not forget the second. */
static void each_connection_has_its_own_clock(void **state)
{
    (void)state;
    struct service service;
    int64_t start_ms[2];
    struct raw_client *clients[2];
    service_init_with(&service, short_idle);
    for (int i = 0; i < 2; i++) {
        clients[i] = service_connect(&service);
        raw_client_send_text(clients[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_reply(clients[i], 200, "GET / ");
        start_ms[i] = test_now_ms();
        raw_run_for(service.loop, SHORT_MS * 2 / 3);
    }
    for (int i = 0; i < 2; i++) {
        raw_client_read_to_end(clients[i]);
        expect_about(start_ms[i], SHORT_MS);
        raw_client_free(&clients[i]);
    }
    service_fini(&service);
}

static void a_reply_that_takes_long_is_not_idle(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_idle);
    service.settings.head_timeout_ms = service.settings.body_timeout_ms = SHORT_MS;
    server_set(service.server, &service.settings);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    raw_run_for(service.loop, SHORT_MS * 3);
    reply_text(service.seen[0].conn, 200, "late");
    expect_reply(client, 200, "late");
    raw_client_free(&client);
    service_fini(&service);
}

static void answer_408(struct seen *seen)
{
    reply_text(seen->conn, 408, "body");
}

static void short_body(struct service *service)
{
    service->settings.body_timeout_ms = SHORT_MS;
    service->on_body_error = answer_408;
}

static void a_stalled_body_is_the_handlers_to_answer(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_body);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
    int64_t start_ms = test_now_ms();
    await(&service, &service.seen[0].body_errors, "on_body_error");
    expect_about(start_ms, SHORT_MS);
    expect_reply(client, 408, "body");
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    assert_int_equal(service.seen[0].body_error, ERR_BODY_TIMEOUT);
    assert_int_equal(service.seen[0].body_errors, 1);
    assert_int_equal(service.seen[0].sent, 1);
    assert_int_equal(service.refusals, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void progress_of_a_body_buys_time(void **state)
{
    (void)state;
    char block[256];
    struct service service;
    service_init_with(&service, short_body);
    struct raw_client *client = service_connect(&service);
    memset(block, 'b', sizeof(block));
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3072\r\n\r\n");
    for (int i = 0; i < 12; i++) {
        raw_client_send(client, span_make(block, sizeof(block)));
        raw_run_for(service.loop, 40);
    }
    expect_reply(client, 200, NULL);
    assert_int_equal(buf_len(&service.seen[0].body), 3072);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_byte_at_a_time_buys_next_to_none(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_body);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    int64_t start_ms = test_now_ms();
    while (service.seen[0].body_errors == 0 && test_now_ms() - start_ms < 5000) {
        raw_client_try_send(client, SPAN("b"));
        raw_run_for(service.loop, 20);
    }
    expect_about(start_ms, SHORT_MS);
    expect_reply(client, 408, "body");
    raw_client_free(&client);
    service_fini(&service);
}

static void refuse_at_head(struct seen *seen)
{
    reply_text(seen->conn, 401, "no");
}

static void a_rest_that_never_comes_closes_quietly(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, short_body);
    service.on_head = refuse_at_head;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
    int64_t start_ms = test_now_ms();
    expect_reply(client, 401, "no");
    raw_client_read_to_end(client);
    expect_about(start_ms, SHORT_MS);
    assert_int_equal(service.seen[0].body_errors, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_client_that_does_not_close_is_closed(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect_reply(client, 200, "GET / ");
    int64_t start_ms = test_now_ms();
    await_no_connections(&service);
    expect_about(start_ms, 1000);
    raw_client_free(&client);
    service_fini(&service);
}

int test_timeout(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_head_is_answered_408),
        cmocka_unit_test(a_trickling_head_is_answered_408),
        cmocka_unit_test(the_clock_of_a_later_head_starts_with_its_first_byte),
        cmocka_unit_test(an_idle_connection_closes_quietly),
        cmocka_unit_test(each_connection_has_its_own_clock),
        cmocka_unit_test(a_reply_that_takes_long_is_not_idle),
        cmocka_unit_test(a_stalled_body_is_the_handlers_to_answer),
        cmocka_unit_test(progress_of_a_body_buys_time),
        cmocka_unit_test(a_byte_at_a_time_buys_next_to_none),
        cmocka_unit_test(a_rest_that_never_comes_closes_quietly),
        cmocka_unit_test(a_client_that_does_not_close_is_closed),
    };
    return cmocka_run_group_tests_name("net/timeout", tests, NULL, NULL);
}
