/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that leave, in every way and at every moment, and connections that we end. */
#include "service.h"

/* One request is in and its reply held back. */
static struct raw_client *begin_exchange(struct service *service)
{
    service_init(service);
    service->on_end = hold_reply;
    struct raw_client *client = service_connect(service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(service, &service->seen[0].ends, "the request");
    return client;
}

static void end_exchange(struct service *service, struct raw_client *client)
{
    raw_client_free(&client);
    await_no_connections(service);
    service_fini(service);
}

static void a_half_closed_client_gets_the_full_reply(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    struct seen *seen = &service.seen[0];
    raw_client_shut(client);
    await(&service, &seen->half_closes, "on_half_close");
    conn_begin(seen->conn, 200, NULL, 0);
    for (int i = 0; i < 5; i++) {
        conn_send(seen->conn, SPAN("part;"));
        raw_run_for(service.loop, 30); /* over several looks at the socket */
    }
    conn_end(seen->conn);
    expect_reply(client, 200, "part;part;part;part;part;");
    expect_end_soon(client);
    assert_false(raw_client_was_reset(client));
    assert_int_equal(seen->half_closes, 1);
    assert_int_equal(seen->sent, 1);
    raw_run_for(service.loop, 20);
    assert_int_equal(server_connections(service.server), 0); /* not lingering: it has said all */
    end_exchange(&service, client);
}

static void a_half_close_in_the_middle_of_a_reply_ends_the_connection(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    struct seen *seen = &service.seen[0];
    conn_begin(seen->conn, 200, NULL, 0); /* says nothing of closing yet */
    raw_run_for(service.loop, 5);
    raw_client_shut(client);
    await(&service, &seen->half_closes, "on_half_close");
    conn_end(seen->conn);
    expect_reply(client, 200, "");
    expect_end_soon(client);
    end_exchange(&service, client);
}

static void silence_after_a_half_close_is_not_gone(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    raw_client_close(client);
    await(&service, &service.seen[0].half_closes, "on_half_close");
    raw_run_for(service.loop, 100);
    assert_int_equal(service.seen[0].gone, 0); /* nobody can know yet */
    conn_abort(service.seen[0].conn);
    end_exchange(&service, client);
}

static void expect_gone_within_100_ms(struct service *service)
{
    int64_t start_ms = test_now_ms();
    await(service, &service->seen[0].gone, "on_gone");
    assert_true(test_now_ms() - start_ms < 100);
    assert_int_equal(service->seen[0].sent, 0);
}

static void an_interim_finds_out_that_the_client_has_gone(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    raw_client_close(client);
    await(&service, &service.seen[0].half_closes, "on_half_close");
    conn_send_interim(service.seen[0].conn);
    expect_gone_within_100_ms(&service);
    end_exchange(&service, client);
}

static void a_comment_finds_out_that_the_client_has_gone(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    raw_client_read_until(client, "\r\n\r\n");
    raw_client_close(client);
    await(&service, &service.seen[0].half_closes, "on_half_close");
    conn_send(service.seen[0].conn, SPAN(": ping\n\n"));
    expect_gone_within_100_ms(&service);
    end_exchange(&service, client);
}

static void a_reset_is_noticed_at_once(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    raw_client_reset(client);
    expect_gone_within_100_ms(&service);
    assert_int_equal(service.seen[0].half_closes, 0);
    end_exchange(&service, client);
}

static void a_reset_after_a_half_close_is_noticed(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    raw_client_shut(client);
    await(&service, &service.seen[0].half_closes, "on_half_close");
    raw_client_reset(client);
    expect_gone_within_100_ms(&service);
    end_exchange(&service, client);
}

static void replies_to_a_dead_connection_go_nowhere(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    struct seen *seen = &service.seen[0];
    raw_client_reset(client);
    conn_begin(seen->conn, 200, NULL, 0);
    conn_send(seen->conn, SPAN("x"));
    conn_end(seen->conn);
    assert_int_equal(seen->gone, 0); /* never inside the call */
    await(&service, &seen->gone, "on_gone");
    end_exchange(&service, client);
}

static void an_abort_of_a_dead_connection_is_still_on_sent(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *client = begin_exchange(&service);
    raw_client_reset(client);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_abort(service.seen[0].conn);
    await(&service, &service.seen[0].sent, "on_sent");
    end_exchange(&service, client);
}

static void expect_gone_in_body(const char *request, bool reset)
{
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, request);
    await(&service, &service.count, "the head");
    (reset ? raw_client_reset : raw_client_shut)(client);
    await(&service, &service.seen[0].gone, "on_gone");
    assert_int_equal(service.seen[0].ends, 0);
    assert_int_equal(service.seen[0].body_errors, 0);
    assert_int_equal(service.seen[0].half_closes, 0);
    end_exchange(&service, client);
}

static void an_end_in_the_body_is_gone(void **state)
{
    (void)state;
    expect_gone_in_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel", false);
    expect_gone_in_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel", true);
    expect_gone_in_body("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
                        false);
    expect_gone_in_body("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                        false);
}

static void an_end_without_a_request_is_nobodys(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"};
    struct service service;
    service_init(&service);
    for (size_t i = 0; i < 2 * sizeof(starts) / sizeof(starts[0]); i++) {
        struct raw_client *client = service_connect(&service);
        raw_client_send_text(client, starts[i / 2]);
        loop_run_once(service.loop, 1);
        if (i % 2 == 0) {
            raw_client_shut(client);
            raw_client_read_to_end(client);
        } else {
            raw_client_reset(client);
        }
        await_no_connections(&service);
        raw_client_free(&client);
    }
    assert_int_equal(service.count, 0);
    assert_int_equal(service.refusals, 0);
    service_fini(&service);
}

static void an_aborted_stream_looks_broken(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    struct raw_client *client = begin_exchange(&service);
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_send(service.seen[0].conn, SPAN("half"));
    conn_abort(service.seen[0].conn);
    raw_client_read_reply(client, false, &reply);
    assert_false(reply.complete);
    assert_true(reply.chunked);
    expect_text(buf_span(&reply.body), "half");
    raw_reply_fini(&reply);
    assert_int_equal(service.seen[0].sent, 1);
    end_exchange(&service, client);
}

/* Its body ends with the connection, so only a reset can say that it is not whole. */
static void an_aborted_stream_to_an_old_client_is_reset(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.0\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_send(service.seen[0].conn, SPAN("half"));
    raw_client_read_until(client, "half");
    conn_abort(service.seen[0].conn);
    raw_client_read_reply(client, false, &reply);
    assert_false(reply.complete);
    assert_true(raw_client_was_reset(client));
    raw_reply_fini(&reply);
    end_exchange(&service, client);
}

static void abort_now(struct seen *seen)
{
    conn_abort(seen->conn);
    conn_abort(seen->conn);
    reply_text(seen->conn, 200, "ignored");
    conn_begin(seen->conn, 200, NULL, 0);
    conn_send_interim(seen->conn);
    conn_send_continue(seen->conn);
}

static void an_abort_before_the_reply_sends_nothing(void **state)
{
    (void)state;
    for (int where = 0; where < 3; where++) {
        struct service service;
        service_init(&service);
        service.on_head = where == 0 ? abort_now : NULL;
        service.on_body = where == 1 ? abort_now : NULL;
        service.on_end = abort_now;
        struct raw_client *client = service_connect(&service);
        raw_client_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                                     "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
        raw_client_read_to_end(client);
        assert_int_equal(raw_client_received(client).len, 0);
        assert_int_equal(service.count, 1);
        assert_int_equal(service.seen[0].sent, 1);
        assert_int_equal(service.seen[0].ends, where == 2);
        end_exchange(&service, client);
    }
}

static void freeing_the_server_ends_every_exchange(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *clients[6];
    for (int i = 0; i < 6; i++) {
        clients[i] = service_connect(&service);
        if (i < 4)
            raw_client_send_text(clients[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    await(&service, &service.seen[3].ends, "the requests");
    conn_begin(service.seen[1].conn, 200, NULL, 0); /* queued, not flushed */
    reply_text(service.seen[2].conn, 200, "written, not yet told");
    conn_abort(service.seen[3].conn);
    raw_client_send_text(clients[4], "POST / HTTP/1.1\r\n");
    raw_client_shut(clients[0]);
    server_free(&service.server);
    assert_int_equal(service.seen[0].gone, 1);
    assert_int_equal(service.seen[1].gone, 1);
    assert_int_equal(service.seen[2].gone, 1);
    assert_int_equal(service.seen[3].sent, 1);
    for (int i = 0; i < 6; i++) {
        raw_client_read_to_end(clients[i]);
        raw_client_free(&clients[i]);
    }
    service_fini(&service);
}

static void freeing_the_server_while_it_writes(void **state)
{
    (void)state;
    static char bytes[4 * 1024 * 1024];
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = raw_client_connect_slow(service.loop, server_port(service.server));
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_send(service.seen[0].conn, span_make(bytes, sizeof(bytes)));
    raw_run_for(service.loop, 20);
    server_free(&service.server);
    assert_int_equal(service.seen[0].gone, 1);
    raw_client_free(&client);
    service_fini(&service);
}

int test_gone(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_closed_client_gets_the_full_reply),
        cmocka_unit_test(a_half_close_in_the_middle_of_a_reply_ends_the_connection),
        cmocka_unit_test(silence_after_a_half_close_is_not_gone),
        cmocka_unit_test(an_interim_finds_out_that_the_client_has_gone),
        cmocka_unit_test(a_comment_finds_out_that_the_client_has_gone),
        cmocka_unit_test(a_reset_is_noticed_at_once),
        cmocka_unit_test(a_reset_after_a_half_close_is_noticed),
        cmocka_unit_test(replies_to_a_dead_connection_go_nowhere),
        cmocka_unit_test(an_abort_of_a_dead_connection_is_still_on_sent),
        cmocka_unit_test(an_end_in_the_body_is_gone),
        cmocka_unit_test(an_end_without_a_request_is_nobodys),
        cmocka_unit_test(an_aborted_stream_looks_broken),
        cmocka_unit_test(an_aborted_stream_to_an_old_client_is_reset),
        cmocka_unit_test(an_abort_before_the_reply_sends_nothing),
        cmocka_unit_test(freeing_the_server_ends_every_exchange),
        cmocka_unit_test(freeing_the_server_while_it_writes),
    };
    return cmocka_run_group_tests_name("net/gone", tests, NULL, NULL);
}
