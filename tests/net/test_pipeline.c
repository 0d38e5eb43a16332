/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests on one connection at once: answered in order, kept within bounds, not recursed. */
#include "service.h"

#define THREE                                                     \
    "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"                          \
    "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo" \
    "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"

static void answers_three_in_one_packet(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, THREE);
    expect_reply(client, 200, "GET /1 ");
    expect_reply(client, 200, "POST /2 two");
    expect_reply(client, 200, "GET /3 ");
    raw_client_free(&client);
    service_fini(&service);
}

static void answers_three_byte_by_byte(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_bytewise(client, SPAN(THREE));
    expect_reply(client, 200, "GET /1 ");
    expect_reply(client, 200, "POST /2 two");
    expect_reply(client, 200, "GET /3 ");
    raw_client_free(&client);
    service_fini(&service);
}

static void the_second_waits_for_the_first_reply(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, THREE);
    await(&service, &service.seen[0].ends, "the first request");
    raw_run_for(service.loop, 20);
    assert_int_equal(service.count, 1);
    for (int i = 0; i < 3; i++) {
        await(&service, &service.seen[i].ends, "the next request");
        assert_int_equal(service.count, i + 1);
        conn_begin(service.seen[i].conn, 200, NULL, 0);
        raw_run_for(service.loop, 5);
        assert_int_equal(service.count, i + 1);
        conn_end(service.seen[i].conn);
        expect_reply(client, 200, "");
    }
    raw_client_free(&client);
    service_fini(&service);
}

static void a_half_closed_client_gets_all_three(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, THREE);
    raw_client_shut(client);
    expect_reply(client, 200, "GET /1 ");
    expect_reply(client, 200, "POST /2 two");
    expect_reply(client, 200, "GET /3 ");
    raw_client_read_to_end(client);
    assert_false(raw_client_was_reset(client));
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void a_half_close_behind_kept_requests_is_told_to_each(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HT");
    raw_client_shut(client);
    await(&service, &service.seen[0].half_closes, "the half-close");
    reply_text(service.seen[0].conn, 200, "one");
    expect_reply(client, 200, "one");
    await(&service, &service.seen[1].half_closes, "the half-close again");
    reply_text(service.seen[1].conn, 200, "two");
    expect_reply(client, 200, "two");
    raw_client_read_to_end(client); /* the third never came whole */
    assert_int_equal(service.count, 2);
    assert_int_equal(service.refusals, 0);
    raw_client_free(&client);
    service_fini(&service);
}

/* The socket is full: what the server kept and the kernel's buffers are all used up. */
static size_t flood(struct service *service, struct raw_client *client)
{
    static char zeros[16384];
    size_t total = 0;
    for (int idle = 0; idle < 50;) {
        size_t sent = raw_client_try_send(client, span_make(zeros, sizeof(zeros)));
        total += sent;
        idle = sent > 0 ? 0 : idle + 1;
        loop_run_once(service->loop, 1);
    }
    return total;
}

static void a_flood_behind_a_request_is_not_read(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    assert_true(flood(&service, client) < (size_t)64 * 1024 * 1024);
    reply_text(service.seen[0].conn, 200, "one");
    expect_reply(client, 200, "one");
    expect_refusal(client, ERR_MALFORMED_HTTP);
    raw_client_free(&client);
    service_fini(&service);
}

/* What was kept is thrown away, and reading goes on so that the client finds its answer. */
static void a_flood_behind_the_last_request_is_dropped(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    for (int i = 0; i < 150; i++) {
        static char bytes[1024];
        raw_client_send(client, span_make(bytes, sizeof(bytes)));
    }
    raw_run_for(service.loop, 20);
    conn_close_after(service.seen[0].conn);
    reply_text(service.seen[0].conn, 200, "one");
    expect_reply(client, 200, "one");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    raw_run_for(service.loop, 20);
    assert_int_equal(server_connections(service.server), 1);
    raw_client_shut(client);
    int64_t start_ms = test_now_ms();
    await_no_connections(&service);
    assert_true(test_now_ms() - start_ms < 500); /* the end was read behind the flood */
    assert_int_equal(service.count, 1);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_client_that_floods_and_resets_is_noticed(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    flood(&service, client);
    int64_t start_ms = test_now_ms();
    raw_client_reset(client);
    await(&service, &service.seen[0].gone, "on_gone");
    assert_true(test_now_ms() - start_ms < 100);
    raw_client_free(&client);
    service_fini(&service);
}

/* More requests than fit into what is kept: reading stops and goes on, nothing is lost. */
static void many_requests_pass_through_the_bound(void **state)
{
    (void)state;
    struct service service;
    struct buf request;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    buf_init(&request, SIZE_MAX / 2, 0);
    for (int i = 0; i < 20; i++) {
        buf_printf(&request, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 15000\r\n\r\n", i);
        for (int j = 0; j < 1500; j++)
            buf_append(&request, SPAN("0123456789"));
    }
    raw_client_send(client, buf_span(&request));
    for (int i = 0; i < 20; i++) {
        await(&service, &service.seen[i].ends, "the next request");
        assert_int_equal(service.count, i + 1);
        assert_int_equal(buf_len(&service.seen[i].body), 15000);
        raw_run_for(service.loop, 3);
        reply_text(service.seen[i].conn, 200, service.seen[i].target);
        expect_reply(client, 200, service.seen[i].target);
    }
    buf_fini(&request);
    raw_client_free(&client);
    service_fini(&service);
}

static void nothing_is_run_after_a_refused_request(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n"
                                 "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_refusal(client, ERR_MALFORMED_HTTP);
    assert_int_equal(service.count, 0);
    raw_client_free(&client);
    service_fini(&service);
}

static void begin_again(struct seen *seen)
{
    /* on_sent may start other work, also a drain, without harm to the connection it came from. */
    if (seen->service->count == 2)
        server_drain(seen->service->server, NULL);
}

static void a_drain_from_on_sent_ends_the_pipeline(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_sent = begin_again;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, THREE);
    expect_reply(client, 200, "GET /1 ");
    expect_reply(client, 200, "POST /2 two");
    raw_client_read_to_end(client);
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

int test_pipeline(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_three_in_one_packet),
        cmocka_unit_test(answers_three_byte_by_byte),
        cmocka_unit_test(the_second_waits_for_the_first_reply),
        cmocka_unit_test(a_half_closed_client_gets_all_three),
        cmocka_unit_test(a_half_close_behind_kept_requests_is_told_to_each),
        cmocka_unit_test(a_flood_behind_a_request_is_not_read),
        cmocka_unit_test(a_flood_behind_the_last_request_is_dropped),
        cmocka_unit_test(a_client_that_floods_and_resets_is_noticed),
        cmocka_unit_test(many_requests_pass_through_the_bound),
        cmocka_unit_test(nothing_is_run_after_a_refused_request),
        cmocka_unit_test(a_drain_from_on_sent_ends_the_pipeline),
    };
    return cmocka_run_group_tests_name("net/pipeline", tests, NULL, NULL);
}
