/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the network refuses by itself: bad heads, too many connections, no descriptors. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void expect_refused(struct span request, enum err err)
{
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send(client, request);
    expect_refusal(client, err);
    assert_int_equal(service.refusals, 1);
    assert_int_equal(service.refused, err);
    assert_int_equal(service.count, 0);
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void malformed_heads_get_400(void **state)
{
    (void)state;
    expect_refused(SPAN("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"),
                   ERR_MALFORMED_HTTP);
    expect_refused(SPAN("GET / HTTP/1.1\r\n\r\n"), ERR_MALFORMED_HTTP);
    expect_refused(SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ERR_MALFORMED_HTTP);
    expect_refused(SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), ERR_MALFORMED_HTTP);
}

static void other_heads_get_their_own_status(void **state)
{
    (void)state;
    struct buf request;
    buf_init(&request, SIZE_MAX / 2, 0);
    buf_append(&request, SPAN("GET /"));
    for (int i = 0; i < 900; i++)
        buf_append(&request, SPAN("0123456789"));
    expect_refused(buf_span(&request), ERR_URI_TOO_LONG);
    buf_reset(&request, SIZE_MAX);
    buf_append(&request, SPAN("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 101; i++)
        buf_printf(&request, "X-%d: y\r\n", i);
    expect_refused(buf_span(&request), ERR_HEADERS_TOO_LARGE);
    buf_fini(&request);
    expect_refused(SPAN("POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n"
                        "Content-Length: 1\r\n\r\n"),
                   ERR_EXPECTATION);
}

static void two_connections(struct service *service)
{
    service->settings.max_connections = 2;
}

static void too_many_connections_get_503(void **state)
{
    (void)state;
    struct service service;
    struct raw_client *clients[2];
    service_init_with(&service, two_connections);
    for (int i = 0; i < 2; i++) {
        clients[i] = service_connect(&service);
        raw_client_send_text(clients[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_reply(clients[i], 200, "GET / ");
    }
    struct raw_client *third = service_connect(&service);
    raw_client_send_text(third, "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_refusal(third, ERR_OVERLOADED);
    assert_int_equal(service.refused, ERR_OVERLOADED);
    assert_int_equal(service.count, 2);
    /* A refused one that has not left takes nobody's place ... */
    raw_client_free(&clients[0]);
    await_connections(service.loop, service.server, 2);
    clients[0] = service_connect(&service);
    raw_client_send_text(clients[0], "GET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(clients[0], 200, "GET /4 ");
    /* ... and one that has left leaves no room behind. */
    raw_client_free(&third);
    await_connections(service.loop, service.server, 2);
    third = service_connect(&service);
    expect_refusal(third, ERR_OVERLOADED);
    assert_int_equal(service.refusals, 2);
    raw_client_free(&third);
    raw_client_free(&clients[0]);
    raw_client_free(&clients[1]);
    service_fini(&service);
}

static void no_connections(struct service *service)
{
    service->settings.max_connections = 0;
}

enum { CLIENTS = 200 };

static bool all_are_refused(void *argument)
{
    return ((struct service *)argument)->refusals == CLIENTS;
}

/* The refused ones are bounded, too: beyond that they are closed without a word. */
static void refusals_are_bounded(void **state)
{
    (void)state;
    static struct raw_client *clients[CLIENTS];
    struct service service;
    int told = 0;
    service_init_with(&service, no_connections);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = service_connect(&service);
    raw_run_until(service.loop, all_are_refused, &service, "refusals");
    assert_true(server_connections(service.server) <= 128);
    for (int i = 0; i < CLIENTS; i++) {
        raw_client_read_to_end(clients[i]);
        told += raw_client_received(clients[i]).len > 0;
        raw_client_free(&clients[i]);
    }
    assert_true(told >= 64 && told < CLIENTS);
    await_no_connections(&service);
    service_fini(&service);
}

static int64_t cpu_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000 + used.tv_nsec / NS_PER_MS;
}

static void waits_without_spinning_when_descriptors_run_out(void **state)
{
    (void)state;
    struct service service;
    struct rlimit before;
    struct rlimit low;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    int lowest_free = open("/dev/null", O_RDONLY);
    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &before);
    low = (struct rlimit){.rlim_cur = (rlim_t)lowest_free, .rlim_max = before.rlim_max};
    assert_return_code(setrlimit(RLIMIT_NOFILE, &low), errno);
    int64_t used_ms = cpu_ms();
    int64_t end_ms = test_now_ms() + 500;
    int turns = 0;
    for (; test_now_ms() < end_ms; turns++)
        loop_run_once(service.loop, 500);
    used_ms = cpu_ms() - used_ms;
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(used_ms < 100);
    assert_true(turns < 50);
    assert_int_equal(service.count, 0);
    int64_t start_ms = test_now_ms();
    expect_reply(client, 200, "GET / ");
    assert_true(test_now_ms() - start_ms < 1000);
    raw_client_free(&client);
    client = service_connect(&service); /* and listens as before */
    raw_client_send_text(client, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET /2 ");
    raw_client_free(&client);
    service_fini(&service);
}

int test_refuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_heads_get_400),
        cmocka_unit_test(other_heads_get_their_own_status),
        cmocka_unit_test(too_many_connections_get_503),
        cmocka_unit_test(refusals_are_bounded),
        cmocka_unit_test(waits_without_spinning_when_descriptors_run_out),
    };
    return cmocka_run_group_tests_name("net/refuse", tests, NULL, NULL);
}
