/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over a connection with TLS, and how it ends: as without, but for the last word. */
#include "tls_client.h"

int test_tls_traffic(void);

#define LARGE ((size_t)8 * 1024 * 1024)

/* ---- bodies ---- */

static void fill(struct buf *out)
{
    buf_init(out, LARGE, 512);
    for (size_t i = 0; i < LARGE / 8; i++)
        buf_printf(out, "%07zu\n", i);
}

static void large_bodies_pass_both_ways(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct buf body;
    char head[128];
    begin(&service, &client);
    fill(&body);
    assert_true(tls_client_shake(&client));
    snprintf(head, sizeof(head), "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             LARGE);
    tls_client_send_text(&client, head);
    tls_client_send(&client, buf_span(&body));
    tls_client_expect(&client, "\r\n\r\nPOST /a ");
    tls_client_read(&client, LARGE);
    assert_true(span_equal(buf_span(&client.plain), buf_span(&body)));
    assert_int_equal(service.seen[0].sent, 1);
    buf_fini(&body);
    end(&service, &client);
}

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
    struct tls_client *client;
    const struct seen *seen;
};

static bool read_until_drain(void *argument)
{
    const struct reading *reading = argument;
    tls_client_poll(reading->client);
    return reading->seen->drains > 0;
}

static void congestion_comes_and_goes(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    conn_begin(seen->conn, 200, NULL, 0);
    size_t sent = send_until_congested(&service, seen->conn);
    raw_run_for(service.loop, 30);
    assert_true(conn_congested(seen->conn));
    assert_true(conn_queued(seen->conn) >= service.settings.queue_low);
    assert_int_equal(seen->drains, 0);
    struct reading reading = {&client, seen};
    raw_run_until(service.loop, read_until_drain, &reading, "on_drain");
    assert_false(conn_congested(seen->conn));
    conn_end(seen->conn);
    tls_client_expect(&client, "\r\n\r\n");
    tls_client_read(&client, sent);
    size_t xs = 0;
    while (!span_ends_with(buf_span(&client.plain), SPAN("0\r\n\r\n")))
        tls_client_read(&client, buf_len(&client.plain) + 1);
    for (size_t i = 0; i < buf_len(&client.plain); i++)
        xs += client.plain.data[client.plain.start + i] == 'x';
    assert_int_equal(xs, sent);
    assert_int_equal(seen->sent, 1);
    end(&service, &client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    char text[64];
    struct buf all;
    begin(&service, &client);
    assert_true(tls_client_shake(&client));
    buf_init(&all, LARGE, 0);
    for (int i = 0; i < 40; i++)
        buf_printf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    tls_client_send(&client, buf_span(&all)); /* one record */
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "\r\n\r\nGET /%d ", i);
        tls_client_expect(&client, text);
    }
    buf_fini(&all);
    end(&service, &client);
}

/* More than is kept, and the record that crosses the line: reading rests, and nothing is lost. */
static void much_behind_a_held_reply_waits(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    char head[96];
    struct buf body;
    struct seen *seen = begin_exchange(&service, &client);
    size_t size = 600 * 1000;
    snprintf(head, sizeof(head), "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             size);
    buf_init(&body, LARGE, 0);
    buf_append(&body, span_from_string(head));
    char *room = buf_reserve(&body, size);
    memset(room, 'b', size);
    buf_commit(&body, size);
    tls_client_send(&client, buf_span(&body));
    raw_run_for(service.loop, 30);
    assert_int_equal(service.count, 1);
    reply_text(seen->conn, 200, "first");
    tls_client_expect(&client, "first");
    await(&service, &service.seen[1].ends, "the second request");
    assert_int_equal(buf_len(&service.seen[1].body), size);
    reply_text(service.seen[1].conn, 200, "second");
    tls_client_expect(&client, "second");
    buf_fini(&body);
    end(&service, &client);
}

/* Records do not end where the room for kept bytes does; and what is kept is more than one read. */
static void a_flood_of_requests_passes_through_the_bound(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    char text[64];
    char pad[2000];
    struct buf all;
    struct seen *seen = begin_exchange(&service, &client);
    memset(pad, 'p', sizeof(pad));
    buf_init(&all, LARGE, 0);
    for (int i = 1; i < 60; i++)
        buf_printf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\nX-Pad: %.*s\r\n\r\n", i, 2000, pad);
    tls_client_send(&client, span_make(all.data + all.start, 100));
    tls_client_send(&client, span_from(buf_span(&all), 100));
    raw_run_for(service.loop, 30);
    assert_int_equal(service.count, 1);
    service.on_end = echo;
    reply_text(seen->conn, 200, "first");
    tls_client_expect(&client, "first");
    for (int i = 1; i < 60; i++) {
        snprintf(text, sizeof(text), "\r\n\r\nGET /%d ", i);
        tls_client_expect(&client, text);
    }
    buf_fini(&all);
    end(&service, &client);
}

static void interims_are_sealed(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    conn_send_interim(seen->conn);
    tls_client_expect(&client, "HTTP/1.1 102 ");
    reply_text(seen->conn, 204, "");
    tls_client_expect(&client, "HTTP/1.1 204 ");
    end(&service, &client);
}

/* ---- ends ---- */

static void a_half_closed_client_gets_the_full_reply(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    tls_client_end(&client);
    await(&service, &seen->half_closes, "on_half_close");
    conn_begin(seen->conn, 200, NULL, 0);
    for (int i = 0; i < 3; i++) {
        conn_send(seen->conn, SPAN("part;"));
        raw_run_for(service.loop, 30); /* over several looks at the socket */
    }
    conn_end(seen->conn);
    assert_true(tls_client_read_to_end(&client));
    struct span plain = buf_span(&client.plain);
    assert_true(span_ends_with(plain, SPAN("5\r\npart;\r\n0\r\n\r\n")));
    assert_int_equal(seen->half_closes, 1);
    assert_int_equal(seen->sent, 1);
    end(&service, &client);
}

static void an_end_without_notice_is_gone(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    raw_client_shut(client.raw);
    await(&service, &seen->gone, "on_gone");
    assert_int_equal(seen->half_closes, 0);
    end(&service, &client);
}

static void a_reset_after_a_half_close_is_noticed(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    tls_client_end(&client);
    await(&service, &seen->half_closes, "on_half_close");
    raw_client_reset(client.raw);
    await(&service, &seen->gone, "on_gone");
    end(&service, &client);
}

static void a_broken_record_is_gone(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    raw_client_send(client.raw, SPAN("\x17\x03\x03\x00\x20"
                                     "................................"));
    await(&service, &seen->gone, "on_gone");
    assert_false(tls_client_read_to_end(&client));
    assert_int_equal(client.reason, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    assert_int_equal(service.refusals, 0);
    end(&service, &client);
}

static void a_last_reply_ends_with_notice(void **state)
{
    (void)state;
    static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                           "GET / HTTP/1.0\r\n\r\n", "nonsense\r\n\r\n"};
    for (int i = 0; i < 3; i++) {
        struct service service;
        struct tls_client client;
        begin(&service, &client);
        assert_true(tls_client_shake(&client));
        tls_client_send_text(&client, requests[i]);
        assert_true(tls_client_read_to_end(&client));
        assert_true(span_starts_with(buf_span(&client.plain), SPAN("HTTP/1.1 ")));
        end(&service, &client);
    }
}

static void a_body_until_close_ends_with_notice(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    service.on_end = hold_reply;
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, "GET / HTTP/1.0\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_send(service.seen[0].conn, SPAN("all of it"));
    conn_end(service.seen[0].conn);
    assert_true(tls_client_read_to_end(&client));
    assert_true(span_ends_with(buf_span(&client.plain), SPAN("\r\n\r\nall of it")));
    end(&service, &client);
}

static void an_abort_looks_broken(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct seen *seen = begin_exchange(&service, &client);
    conn_begin(seen->conn, 200, NULL, 0);
    conn_send(seen->conn, SPAN("half"));
    tls_client_expect(&client, "half");
    conn_abort(seen->conn);
    assert_false(tls_client_read_to_end(&client));
    assert_int_equal(SSL_get_shutdown(client.ssl), 0);
    assert_int_equal(seen->sent, 1);
    end(&service, &client);
}

static void count_drained(void *context)
{
    ((struct service *)context)->drained++;
}

static void draining_ends_with_notice(void **state)
{
    (void)state;
    struct service service;
    struct tls_client idle;
    struct tls_client busy;
    struct tls_client shaking;
    begin(&service, &idle);
    assert_true(tls_client_shake(&idle));
    tls_client_send_text(&idle, GET);
    tls_client_expect(&idle, "\r\n\r\nGET / ");
    service.on_end = hold_reply;
    tls_client_init(&busy, &service);
    assert_true(tls_client_shake(&busy));
    tls_client_send_text(&busy, GET);
    await(&service, &service.seen[1].ends, "the request");
    tls_client_init(&shaking, &service);
    server_drain(service.server, count_drained);
    assert_true(tls_client_read_to_end(&idle));
    reply_text(service.seen[1].conn, 200, "the last");
    tls_client_expect(&busy, "the last");
    assert_true(tls_client_read_to_end(&busy));
    tls_client_fini(&busy);
    await(&service, &service.drained, "the end of the drain"); /* with the one that says nothing */
    assert_int_equal(service.refusals, 0);
    tls_client_fini(&shaking);
    end(&service, &idle);
}

static void freeing_the_server_ends_all(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct tls_client shaking;
    struct seen *seen = begin_exchange(&service, &client);
    tls_client_init(&shaking, &service);
    char bytes[100000];
    memset(bytes, 'x', sizeof(bytes));
    conn_begin(seen->conn, 200, NULL, 0);
    for (int i = 0; i < 100; i++)
        conn_send(seen->conn, span_make(bytes, sizeof(bytes)));
    raw_run_for(service.loop, 20);
    server_free(&service.server);
    assert_int_equal(seen->gone, 1);
    tls_client_fini(&shaking);
    tls_client_fini(&client);
    service_fini(&service);
}

/* ---- what a client may not do later ---- */

static void renegotiation_is_refused(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, GET);
    tls_client_expect(&client, "\r\n\r\nGET / ");
    assert_int_equal(SSL_renegotiate(client.ssl), 1);
    assert_false(tls_client_shake(&client));
    assert_int_equal(client.reason, SSL_R_NO_RENEGOTIATION);
    end(&service, &client);
}

static void keys_are_updated_but_not_for_ever(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    assert_true(tls_client_shake(&client));
    for (int i = 0; i < 3; i++) {
        SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED);
        tls_client_send_text(&client, GET);
        tls_client_expect(&client, "\r\n\r\nGET / ");
    }
    for (int i = 0; i < 2000 && !raw_client_ended(client.raw); i++) {
        SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(client.ssl);
        tls_client_flush(&client);
        loop_run_once(service.loop, 0);
        raw_client_poll(client.raw);
    }
    assert_true(raw_client_ended(client.raw));
    end(&service, &client);
}

int test_tls_traffic(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_bodies_pass_both_ways),
        cmocka_unit_test(congestion_comes_and_goes),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(much_behind_a_held_reply_waits),
        cmocka_unit_test(a_flood_of_requests_passes_through_the_bound),
        cmocka_unit_test(interims_are_sealed),
        cmocka_unit_test(a_half_closed_client_gets_the_full_reply),
        cmocka_unit_test(an_end_without_notice_is_gone),
        cmocka_unit_test(a_reset_after_a_half_close_is_noticed),
        cmocka_unit_test(a_broken_record_is_gone),
        cmocka_unit_test(a_last_reply_ends_with_notice),
        cmocka_unit_test(a_body_until_close_ends_with_notice),
        cmocka_unit_test(an_abort_looks_broken),
        cmocka_unit_test(draining_ends_with_notice),
        cmocka_unit_test(freeing_the_server_ends_all),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(keys_are_updated_but_not_for_ever),
    };
    return cmocka_run_group_tests_name("net/tls_traffic", tests, make_identities, drop_identities);
}
