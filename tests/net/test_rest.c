/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that begin or end before the body has: what becomes of the rest of it. */
#include "service.h"

/* What the kernel's buffers of both sides hold, and some of ours: more means that someone reads. */
#define MOST_BUFFERED ((size_t)16 * 1024 * 1024)

struct body_wish {
    const struct seen *seen;
    size_t size;
};

static bool body_came(void *argument)
{
    const struct body_wish *wish = argument;
    return wish->seen->conn != NULL && buf_len(&wish->seen->body) >= wish->size;
}

static void await_body(struct service *service, size_t size)
{
    struct body_wish wish = {&service->seen[0], size};
    raw_run_until(service->loop, body_came, &wish, "the body");
}

static void refuse_413(struct seen *seen)
{
    reply_text(seen->conn, 413, "too large");
}

static void init_refusing(struct service *service)
{
    service_init(service);
    service->on_head = refuse_413;
}

static void expect_413(struct raw_client *client, const char *connection)
{
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 413);
    expect_text(buf_span(&reply.body), "too large");
    expect_text(raw_reply_field(&reply, SPAN("Connection")), connection);
    raw_reply_fini(&reply);
}

static void a_small_rest_is_dropped_and_the_connection_kept(void **state)
{
    (void)state;
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    for (int i = 0; i < 2; i++) {
        raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
        expect_413(client, "");
        raw_client_send_text(client, "lo you!");
    }
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_413(client, "");
    assert_int_equal(buf_len(&service.seen[0].body), 0);
    assert_int_equal(service.seen[0].ends, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void the_rest_and_the_next_request_may_come_together(void **state)
{
    (void)state;
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
    expect_413(client, "");
    raw_client_send_text(client, "lo you!GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_413(client, "");
    raw_client_free(&client);
    service_fini(&service);
}

/* The client writes without reading, as simple ones do, and must still find the answer. */
static void a_large_rest_closes_without_a_reset(void **state)
{
    (void)state;
    static char body[200 * 1024];
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 204800\r\n\r\n");
    raw_client_send(client, span_make(body, sizeof(body)));
    expect_413(client, "close");
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void an_endless_body_is_neither_read_nor_reset_at_once(void **state)
{
    (void)state;
    static char bytes[64 * 1024];
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "fffffff\r\n");
    size_t sent = 0;
    int64_t start_ms = test_now_ms();
    while (test_now_ms() - start_ms < 500) {
        sent += raw_client_try_send(client, span_make(bytes, sizeof(bytes)));
        loop_run_once(service.loop, 0);
    }
    assert_true(sent < MOST_BUFFERED);
    /* Half a second later the answer is still there to be read, and our patience not yet over. */
    assert_int_equal(server_connections(service.server), 1);
    expect_413(client, "close");
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    await_no_connections(&service);
    assert_true(test_now_ms() - start_ms < 2000);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_client_that_waits_for_100_is_closed(void **state)
{
    (void)state;
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                 "Content-Length: 10\r\n\r\n");
    expect_413(client, "close");
    /* Body or request: it is not taken for either. */
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    assert_int_equal(service.count, 1);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_half_closed_rest_ends_the_connection(void **state)
{
    (void)state;
    struct service service;
    init_refusing(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
    expect_413(client, "");
    raw_client_shut(client);
    raw_client_read_to_end(client);
    await_no_connections(&service);
    assert_int_equal(service.seen[0].sent, 1);
    raw_client_free(&client);
    service_fini(&service);
}

static void half_close_in_the_body_after_the_reply_keeps_it(struct seen *seen)
{
    conn_begin(seen->conn, 413, NULL, 0);
    conn_send(seen->conn, SPAN("too large"));
    conn_end(seen->conn);
}

static void a_short_body_with_fin_in_one_packet_is_answered(void **state)
{
    (void)state;
    struct service service;
    init_refusing(&service);
    service.on_head = half_close_in_the_body_after_the_reply_keeps_it;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel");
    raw_client_shut(client);
    expect_reply(client, 413, "too large");
    raw_client_read_to_end(client);
    assert_int_equal(service.seen[0].sent, 1);
    assert_int_equal(service.seen[0].half_closes, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void begin_reply(struct seen *seen)
{
    conn_begin(seen->conn, 200, NULL, 0);
}

static void echo_bytes(struct seen *seen)
{
    conn_send(seen->conn, buf_span(&seen->body));
    buf_reset(&seen->body, 0);
}

static void end_reply(struct seen *seen)
{
    conn_end(seen->conn);
}

static void a_reply_may_stream_while_the_body_does(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_head = begin_reply;
    service.on_body = echo_bytes;
    service.on_end = end_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    raw_client_read_until(client, "\r\n\r\n");
    raw_client_send_text(client, "hello");
    raw_client_read_until(client, "5\r\nhello\r\n");
    raw_client_send_text(client, "world");
    raw_client_read_until(client, "5\r\nworld\r\n0\r\n\r\n");
    raw_client_free(&client);
    service_fini(&service);
}

static void reply_to_first_bytes(struct seen *seen)
{
    reply_text(seen->conn, 400, "enough");
}

static void a_reply_from_on_body_silences_the_rest(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_body = reply_to_first_bytes;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    expect_reply(client, 400, "enough");
    raw_client_read_to_end(client);
    expect_text(buf_span(&service.seen[0].body), "abc");
    assert_int_equal(service.seen[0].ends, 0);
    raw_client_free(&client);
    service_fini(&service);
}

/* It did not wait for "100 Continue", so that what follows is known to be the body. */
static void a_client_that_did_not_wait_for_100_is_kept(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_body = reply_to_first_bytes;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                 "Content-Length: 10\r\n\r\nhel");
    expect_reply(client, 400, "enough");
    raw_client_send_text(client, "lo you!GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET /2 ");
    raw_client_free(&client);
    service_fini(&service);
}

/* Most of a large body has come already: what is left of it counts. */
static void the_small_rest_of_a_large_body_is_dropped(void **state)
{
    (void)state;
    static char bytes[90 * 1024];
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 92165\r\n\r\n");
    raw_client_send(client, span_make(bytes, sizeof(bytes)));
    await_body(&service, sizeof(bytes));
    reply_text(service.seen[0].conn, 400, "enough");
    expect_reply(client, 400, "enough");
    raw_client_send_text(client, "12345GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[1].ends, "the next request");
    raw_client_free(&client);
    service_fini(&service);
}

static void a_malformed_body_is_the_handlers_to_answer(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_body_error = reply_to_first_bytes;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\nzz\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 400, "enough");
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    assert_int_equal(service.seen[0].body_error, ERR_MALFORMED_HTTP);
    assert_int_equal(service.seen[0].body_errors, 1);
    assert_int_equal(service.seen[0].ends, 0);
    assert_int_equal(service.count, 1);
    assert_int_equal(service.refusals, 0);
    raw_client_free(&client);
    service_fini(&service);
}

/* The handler takes its time; meanwhile the client sends on, then shuts its side. */
static void answer_malformed_body_late(size_t size)
{
    static char bytes[400 * 1024];
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "zz\r\n");
    await(&service, &service.seen[0].body_errors, "the error");
    raw_client_send(client, span_make(bytes, size));
    raw_client_shut(client);
    raw_run_for(service.loop, 20);
    assert_int_equal(service.seen[0].gone, 0);
    reply_to_first_bytes(&service.seen[0]);
    expect_reply(client, 400, "enough");
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void a_malformed_body_may_be_answered_late(void **state)
{
    (void)state;
    answer_malformed_body_late(0);
    answer_malformed_body_late((size_t)1 << 10);
    answer_malformed_body_late((size_t)400 << 10);
}

int test_rest(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_rest_is_dropped_and_the_connection_kept),
        cmocka_unit_test(the_rest_and_the_next_request_may_come_together),
        cmocka_unit_test(a_large_rest_closes_without_a_reset),
        cmocka_unit_test(an_endless_body_is_neither_read_nor_reset_at_once),
        cmocka_unit_test(a_client_that_waits_for_100_is_closed),
        cmocka_unit_test(a_half_closed_rest_ends_the_connection),
        cmocka_unit_test(a_short_body_with_fin_in_one_packet_is_answered),
        cmocka_unit_test(a_reply_may_stream_while_the_body_does),
        cmocka_unit_test(a_reply_from_on_body_silences_the_rest),
        cmocka_unit_test(a_client_that_did_not_wait_for_100_is_kept),
        cmocka_unit_test(the_small_rest_of_a_large_body_is_dropped),
        cmocka_unit_test(a_malformed_body_is_the_handlers_to_answer),
        cmocka_unit_test(a_malformed_body_may_be_answered_late),
    };
    return cmocka_run_group_tests_name("net/rest", tests, NULL, NULL);
}
