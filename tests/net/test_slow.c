/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that do not keep up: queueing, congestion and drain, large replies, the send timeout. */
#include "service.h"

#define LARGE ((size_t)8 * 1024 * 1024)

static void small_queue(struct service *service)
{
    service->settings.queue_high = 128 * 1024;
    service->settings.queue_low = 32 * 1024;
    service->on_end = hold_reply;
}

static struct raw_client *connect_slow(struct service *service)
{
    struct raw_client *client =
        raw_client_connect_slow(service->loop, server_port(service->server));
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(service, &service->seen[0].ends, "the request");
    return client;
}

/* Sends until the connection says stop; returns how much. */
static size_t send_until_congested(struct service *service, struct conn *conn)
{
    char bytes[1000];
    size_t sent = 0;
    memset(bytes, 'x', sizeof(bytes));
    while (!conn_congested(conn) && sent < LARGE * 4) {
        conn_send(conn, span_make(bytes, sizeof(bytes)));
        sent += sizeof(bytes);
        if (sent % 64000 == 0)
            loop_run_once(service->loop, 0);
    }
    return sent;
}

struct reading {
    struct raw_client *client;
    const struct seen *seen;
};

static bool read_until_drain(void *argument)
{
    const struct reading *reading = argument;
    raw_client_poll(reading->client);
    return reading->seen->drains > 0;
}

static void congestion_comes_and_goes(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    struct seen *seen = &service.seen[0];
    conn_begin(seen->conn, 200, NULL, 0);
    size_t sent = send_until_congested(&service, seen->conn);
    raw_run_for(service.loop, 50);
    assert_true(conn_congested(seen->conn));
    assert_true(conn_queued(seen->conn) >= service.settings.queue_low);
    assert_int_equal(seen->drains, 0);
    struct reading reading = {client, seen};
    raw_run_until(service.loop, read_until_drain, &reading, "on_drain");
    assert_false(conn_congested(seen->conn));
    assert_true(conn_queued(seen->conn) < service.settings.queue_low);
    sent += send_until_congested(&service, seen->conn);
    conn_end(seen->conn);
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_int_equal(buf_len(&reply.body), sent);
    assert_int_equal(seen->drains, 1); /* not told of it once the reply has ended */
    raw_reply_fini(&reply);
    raw_client_send_text(client, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[1].ends, "the next request");
    raw_client_free(&client);
    service_fini(&service);
}

static void fill_pattern(struct buf *out)
{
    buf_init(out, LARGE, 512);
    for (size_t i = 0; i < LARGE / 8; i++)
        buf_printf(out, "%07zu\n", i);
}

static void a_large_reply_arrives_whole(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    struct buf body;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    fill_pattern(&body);
    conn_reply(service.seen[0].conn, 200, NULL, 0, &body);
    raw_run_for(service.loop, 20);
    assert_int_equal(service.seen[0].sent, 0);
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_true(span_equal(buf_span(&reply.body), buf_span(&body)));
    await(&service, &service.seen[0].sent, "on_sent");
    assert_int_equal(service.seen[0].drains, 0);
    raw_reply_fini(&reply);
    buf_fini(&body);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_reply_goes_behind_what_is_queued(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = connect_slow(&service);
    conn_send_interim(service.seen[0].conn);
    reply_text(service.seen[0].conn, 200, "behind");
    expect_reply(client, 102, "");
    expect_reply(client, 200, "behind");
    raw_client_free(&client);
    service_fini(&service);
}

static void short_send_timeout(struct service *service)
{
    small_queue(service);
    service->settings.send_timeout_ms = 200;
    service->settings.head_timeout_ms = 50;
}

static void a_reader_that_stops_is_dropped(void **state)
{
    (void)state;
    struct service service;
    struct buf body;
    service_init_with(&service, short_send_timeout);
    struct raw_client *client = connect_slow(&service);
    struct raw_client *other = service_connect(&service); /* its clock strikes in between */
    fill_pattern(&body);
    int64_t start_ms = test_now_ms();
    conn_reply(service.seen[0].conn, 200, NULL, 0, &body);
    await(&service, &service.seen[0].gone, "on_gone");
    assert_true(test_now_ms() - start_ms >= 200 && test_now_ms() - start_ms < 800);
    assert_int_equal(service.seen[0].sent, 0);
    assert_int_equal(service.refusals, 1);
    buf_fini(&body);
    raw_client_free(&other);
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

/* Never stops for as long as the timeout, takes many times as long in all. */
static void a_reader_that_crawls_is_not_dropped(void **state)
{
    (void)state;
    struct service service;
    struct buf body;
    service_init_with(&service, short_send_timeout);
    struct raw_client *client = connect_slow(&service);
    fill_pattern(&body);
    conn_reply(service.seen[0].conn, 200, NULL, 0, &body);
    for (int i = 0; i < 25; i++) {
        raw_run_for(service.loop, 40);
        raw_client_poll_some(client, 4096);
    }
    assert_int_equal(service.seen[0].gone, 0);
    raw_client_read_bytes(client, LARGE);
    await(&service, &service.seen[0].sent, "on_sent");
    buf_fini(&body);
    raw_client_free(&client);
    service_fini(&service);
}

static void an_abort_with_bytes_queued_breaks_the_reply(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    send_until_congested(&service, service.seen[0].conn);
    raw_run_for(service.loop, 20);
    conn_abort(service.seen[0].conn);
    conn_send(service.seen[0].conn, SPAN("ignored"));
    conn_end(service.seen[0].conn);
    assert_int_equal(service.seen[0].sent, 0); /* not inside the call */
    await(&service, &service.seen[0].sent, "on_sent");
    raw_client_read_reply(client, false, &reply);
    assert_false(reply.complete);
    raw_reply_fini(&reply);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_reset_while_writing_is_on_gone(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    send_until_congested(&service, service.seen[0].conn);
    raw_run_for(service.loop, 20);
    raw_client_reset(client);
    await(&service, &service.seen[0].gone, "on_gone");
    raw_client_free(&client);
    service_fini(&service);
}

/* Nobody reads this connection any more, so it is the write that fails. */
static void a_reset_after_a_half_close_while_writing_is_on_gone(void **state)
{
    (void)state;
    struct service service;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    raw_client_shut(client);
    await(&service, &service.seen[0].half_closes, "on_half_close");
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    send_until_congested(&service, service.seen[0].conn);
    raw_run_for(service.loop, 20);
    raw_client_reset(client);
    await(&service, &service.seen[0].gone, "on_gone");
    raw_client_free(&client);
    service_fini(&service);
}

static void reply_large_at_head(struct seen *seen)
{
    struct buf body;
    fill_pattern(&body);
    conn_reply(seen->conn, 413, NULL, 0, &body);
    buf_fini(&body);
}

static void expect_large(struct raw_client *client)
{
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_int_equal(buf_len(&reply.body), LARGE);
    raw_reply_fini(&reply);
}

static void a_half_close_in_the_body_does_not_cut_the_reply(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_head = reply_large_at_head;
    struct raw_client *client = raw_client_connect_slow(service.loop, server_port(service.server));
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    await(&service, &service.count, "the head");
    raw_client_shut(client);
    raw_run_for(service.loop, 50);
    assert_int_equal(service.seen[0].gone, 0);
    expect_large(client);
    assert_int_equal(service.seen[0].half_closes, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void an_endless_body_is_not_read_while_the_reply_waits(void **state)
{
    (void)state;
    static char bytes[64 * 1024];
    struct service service;
    size_t sent = 0;
    service_init(&service);
    service.on_head = reply_large_at_head;
    struct raw_client *client = raw_client_connect_slow(service.loop, server_port(service.server));
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: 99999999999\r\n\r\n");
    int64_t start_ms = test_now_ms();
    while (test_now_ms() - start_ms < 300) {
        sent += raw_client_try_send(client, span_make(bytes, sizeof(bytes)));
        loop_run_once(service.loop, 0);
    }
    assert_true(sent < (size_t)16 * 1024 * 1024);
    expect_large(client);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_sender_that_ignores_congestion_is_cut_off(void **state)
{
    (void)state;
    struct service service;
    struct buf block;
    service_init_with(&service, small_queue);
    struct raw_client *client = connect_slow(&service);
    fill_pattern(&block);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    for (size_t sent = 0; sent <= (size_t)80 * 1024 * 1024; sent += LARGE)
        conn_send(service.seen[0].conn, buf_span(&block));
    assert_true(conn_queued(service.seen[0].conn) <= (size_t)64 * 1024 * 1024);
    await(&service, &service.seen[0].gone, "on_gone");
    buf_fini(&block);
    raw_client_free(&client);
    service_fini(&service);
}

int test_slow(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(congestion_comes_and_goes),
        cmocka_unit_test(a_large_reply_arrives_whole),
        cmocka_unit_test(a_reply_goes_behind_what_is_queued),
        cmocka_unit_test(a_reader_that_stops_is_dropped),
        cmocka_unit_test(a_reader_that_crawls_is_not_dropped),
        cmocka_unit_test(an_abort_with_bytes_queued_breaks_the_reply),
        cmocka_unit_test(a_reset_while_writing_is_on_gone),
        cmocka_unit_test(a_reset_after_a_half_close_while_writing_is_on_gone),
        cmocka_unit_test(a_half_close_in_the_body_does_not_cut_the_reply),
        cmocka_unit_test(an_endless_body_is_not_read_while_the_reply_waits),
        cmocka_unit_test(a_sender_that_ignores_congestion_is_cut_off),
    };
    return cmocka_run_group_tests_name("net/slow", tests, NULL, NULL);
}
