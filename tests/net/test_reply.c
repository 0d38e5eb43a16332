/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its reply: whole or in chunks, kept alive or not, in all the kinds of framing. */
#include "service.h"

static void answers_and_keeps_the_connection(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    for (int i = 0; i < 3; i++) {
        struct raw_reply reply;
        raw_client_send_text(client, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
        raw_client_read_reply(client, false, &reply);
        assert_int_equal(reply.status, 200);
        expect_text(buf_span(&reply.body), "GET /a?b=c ");
        expect_text(raw_reply_field(&reply, SPAN("Content-Length")), "11");
        assert_int_equal(raw_reply_field(&reply, SPAN("Connection")).len, 0);
        raw_reply_fini(&reply);
    }
    assert_int_equal(server_connections(service.server), 1);
    assert_int_equal(service.count, 3);
    assert_int_equal(service.seen[2].sent, 1);
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void reads_a_body_and_sends_fields(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    expect_reply(client, 200, "POST /p hello");
    assert_int_equal(service.seen[0].content_length, 5);
    raw_client_send_text(client, "POST /q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
    expect_reply(client, 200, "POST /q abcde");
    assert_int_equal(service.seen[1].content_length, -1);
    raw_client_free(&client);
    service_fini(&service);
}

static void reads_byte_by_byte(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    for (int i = 0; i < 2; i++) {
        raw_client_send_bytewise(client, SPAN("POST /p HTTP/1.1\r\nHost: x\r\n"
                                              "Transfer-Encoding: chunked\r\n\r\n"
                                              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
        expect_reply(client, 200, "POST /p abcde");
    }
    raw_client_free(&client);
    service_fini(&service);
}

static void closes_when_the_client_asks(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    expect_text(raw_reply_field(&reply, SPAN("Connection")), "close");
    expect_text(buf_span(&reply.body), "GET / ");
    raw_reply_fini(&reply);
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void close_after(struct seen *seen)
{
    conn_close_after(seen->conn);
}

static void closes_when_the_handler_asks(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_head = close_after;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET /1 ");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    assert_int_equal(service.count, 1);
    raw_client_free(&client);
    service_fini(&service);
}

static void heads_have_no_body(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client,
                         "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /g HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_read_reply(client, true, &reply);
    expect_text(raw_reply_field(&reply, SPAN("Content-Length")), "8");
    raw_reply_fini(&reply);
    expect_reply(client, 200, "GET /g ");
    raw_client_free(&client);
    service_fini(&service);
}

static void reply_empty(struct seen *seen)
{
    if (strcmp(seen->target, "/whole") == 0) {
        conn_reply(seen->conn, 204, NULL, 0, NULL);
        return;
    }
    conn_begin(seen->conn, 204, NULL, 0);
    conn_send(seen->conn, SPAN("not allowed here"));
    conn_end(seen->conn);
}

static void a_204_has_no_framing(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    service.on_end = reply_empty;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(
        client, "GET /whole HTTP/1.1\r\nHost: x\r\n\r\nGET /g HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        raw_client_read_reply(client, false, &reply);
        assert_int_equal(reply.status, 204);
        assert_int_equal(raw_reply_field(&reply, SPAN("Content-Length")).len, 0);
        raw_reply_fini(&reply);
    }
    raw_client_free(&client);
    service_fini(&service);
}

static void stream(struct seen *seen)
{
    const struct header type = {SPAN("Content-Type"), SPAN("text/event-stream")};
    conn_begin(seen->conn, 200, &type, 1);
    conn_send(seen->conn, SPAN("data: 1\n\n"));
    conn_send(seen->conn, SPAN_NONE);
    conn_send(seen->conn, SPAN("data: 2\n\n"));
    conn_end(seen->conn);
}

static void streams_in_chunks(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    service.on_end = stream;
    struct raw_client *client = service_connect(&service);
    for (int i = 0; i < 2; i++) {
        raw_client_send_text(client, "GET /s HTTP/1.1\r\nHost: x\r\n\r\n");
        raw_client_read_reply(client, false, &reply);
        assert_true(reply.complete);
        assert_true(reply.chunked);
        expect_text(buf_span(&reply.body), "data: 1\n\ndata: 2\n\n");
        raw_reply_fini(&reply);
    }
    raw_client_send_text(client,
                         "HEAD /s HTTP/1.1\r\nHost: x\r\n\r\nGET /s HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_read_reply(client, true, &reply);
    raw_reply_fini(&reply);
    expect_reply(client, 200, "data: 1\n\ndata: 2\n\n");
    raw_client_free(&client);
    service_fini(&service);
}

static void an_old_client_gets_no_chunks(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    service.on_end = stream;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_false(reply.chunked);
    expect_text(raw_reply_field(&reply, SPAN("Connection")), "close");
    expect_text(buf_span(&reply.body), "data: 1\n\ndata: 2\n\n");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    service_fini(&service);
}

static void send_both_interims(struct seen *seen)
{
    conn_send_continue(seen->conn);
    conn_send_continue(seen->conn);
    conn_send_interim(seen->conn);
}

static void sends_interims_before_the_reply(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_head = send_both_interims;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                 "Content-Length: 2\r\n\r\n");
    expect_reply(client, 100, "");
    expect_reply(client, 102, "");
    raw_client_send_text(client, "ok");
    expect_reply(client, 200, "POST /e ok");
    /* Nobody waits for 100 here, and an old client does not know 102. */
    raw_client_send_text(client, "POST /e HTTP/1.0\r\nContent-Length: 2\r\n\r\nok");
    expect_reply(client, 200, "POST /e ok");
    raw_client_free(&client);
    service_fini(&service);
}

static void interims_after_the_reply_are_ignored(struct seen *seen)
{
    stream(seen);
    send_both_interims(seen);
    conn_abort(seen->conn);
}

static void reply_in_head(struct seen *seen)
{
    reply_text(seen->conn, 401, "no");
}

static void may_reply_at_the_head(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_head = reply_in_head;
    struct raw_client *client = service_connect(&service);
    for (int i = 0; i < 2; i++) {
        raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_reply(client, 401, "no");
        assert_int_equal(service.seen[i].ends, 0);
    }
    raw_client_free(&client);
    service_fini(&service);
}

static void tells_the_peer(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    assert_true(strncmp(conn_peer(service.seen[0].conn), "127.0.0.1:", 10) == 0);
    assert_true(atoi(conn_peer(service.seen[0].conn) + 10) > 0);
    reply_text(service.seen[0].conn, 200, "later");
    expect_reply(client, 200, "later");
    raw_client_free(&client);
    service_fini(&service);
}

/* Room in front, none, or a ceiling that leaves none: the same bytes, and the body stays. */
static void reply_from_tight_buffers(struct seen *seen)
{
    struct buf body;
    bool ceiling = strcmp(seen->target, "/ceiling") == 0;
    buf_init(&body, ceiling ? 4 : 1024, ceiling ? 512 : 0);
    buf_append(&body, SPAN("body"));
    conn_reply(seen->conn, 200, NULL, 0, &body);
    expect_text(buf_span(&body), "body");
    assert_false(buf_failed(&body));
    buf_fini(&body);
}

static void joins_head_and_body_in_any_buffer(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = reply_from_tight_buffers;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /front HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "body");
    raw_client_send_text(client, "GET /ceiling HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "body");
    raw_client_free(&client);
    service_fini(&service);
}

static void a_finished_reply_may_still_be_aborted(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = interims_after_the_reply_are_ignored;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "data: 1\n\ndata: 2\n\n");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    assert_int_equal(service.seen[0].sent, 1);
    raw_client_free(&client);
    service_fini(&service);
}

/* Asks once, and checks that the Date is that of now, or of a second that has just ended. */
static void expect_date(struct raw_client *client)
{
    struct raw_reply reply;
    char now[CLOCK_HTTP_DATE_SIZE];
    char before[CLOCK_HTTP_DATE_SIZE];
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    clock_http_date(clock_wall_ns(), now);
    clock_http_date(clock_wall_ns() - NS_PER_S, before);
    struct span date = raw_reply_field(&reply, SPAN("Date"));
    assert_true(span_equal(date, span_from_string(now)) ||
                span_equal(date, span_from_string(before)));
    raw_reply_fini(&reply);
}

static bool two_seconds_passed(void *since_wall_ns)
{
    return clock_wall_ns() > *(int64_t *)since_wall_ns + 2 * NS_PER_S;
}

static void dates_its_replies(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    int64_t begun_wall_ns = clock_wall_ns();
    struct raw_client *client = service_connect(&service);
    expect_date(client);
    raw_run_until(service.loop, two_seconds_passed, &begun_wall_ns, "two seconds");
    expect_date(client);
    raw_client_free(&client);
    service_fini(&service);
}

int test_reply(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_keeps_the_connection),
        cmocka_unit_test(reads_a_body_and_sends_fields),
        cmocka_unit_test(reads_byte_by_byte),
        cmocka_unit_test(closes_when_the_client_asks),
        cmocka_unit_test(closes_when_the_handler_asks),
        cmocka_unit_test(heads_have_no_body),
        cmocka_unit_test(dates_its_replies),
        cmocka_unit_test(a_204_has_no_framing),
        cmocka_unit_test(streams_in_chunks),
        cmocka_unit_test(an_old_client_gets_no_chunks),
        cmocka_unit_test(sends_interims_before_the_reply),
        cmocka_unit_test(may_reply_at_the_head),
        cmocka_unit_test(tells_the_peer),
        cmocka_unit_test(joins_head_and_body_in_any_buffer),
        cmocka_unit_test(a_finished_reply_may_still_be_aborted),
    };
    return cmocka_run_group_tests_name("net/reply", tests, NULL, NULL);
}
