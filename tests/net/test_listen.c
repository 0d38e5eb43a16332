/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, sharing a port, and leaving in order. */
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server *listen_at(struct service *service, const char *address, bool reuse_port,
                                const char **error)
{
    *error = NULL;
    return server_listen(service->loop, address, reuse_port, &service->settings, &service_handler,
                         service, error);
}

static void says_why_it_cannot_listen(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "localhost:1",
        "[127.0.0.1]:0",
        "::1:0",
        "[::1:0",
        ":80",
        "1.2.3.4.5:0",
        "192.0.2.1:0",
        "1111111111111111111111111111111111111111111111111111111111111111111111:0",
    };
    struct service service;
    char taken[32];
    const char *error;
    service_init(&service);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(listen_at(&service, bad[i], false, &error));
        assert_non_null(error);
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", (unsigned)server_port(service.server));
    assert_null(listen_at(&service, taken, false, &error));
    assert_string_equal(error, "address already in use");
    assert_null(listen_at(&service, taken, true, &error)); /* the other does not share */
    service_fini(&service);
}

static void two_share_a_port(void **state)
{
    (void)state;
    struct service service;
    char shared[32];
    const char *error;
    service_init(&service);
    struct server *first = listen_at(&service, "127.0.0.1:0", true, &error);
    assert_non_null(first);
    snprintf(shared, sizeof(shared), "127.0.0.1:%u", (unsigned)server_port(first));
    struct server *second = listen_at(&service, shared, true, &error);
    assert_non_null(second);
    size_t served[2] = {0, 0};
    for (int i = 0; i < 64 && (served[0] == 0 || served[1] == 0); i++) {
        struct raw_client *client = raw_client_connect(service.loop, server_port(first));
        raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_reply(client, 200, "GET / ");
        served[0] += server_connections(first);
        served[1] += server_connections(second);
        raw_client_reset(client);
        raw_client_free(&client);
        await_connections(service.loop, first, 0);
        await_connections(service.loop, second, 0);
    }
    assert_true(served[0] > 0 && served[1] > 0);
    server_free(&first);
    server_free(&second);
    service_fini(&service);
}

static void listens_on_ipv6(void **state)
{
    (void)state;
    struct service service;
    const char *error;
    service_init(&service);
    service.on_end = hold_reply;
    struct server *six = listen_at(&service, "[::1]:0", false, &error);
    if (six == NULL) { /* a machine without IPv6 */
        service_fini(&service);
        skip();
    }
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    address.sin6_port = htons(server_port(six));
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_return_code(connect(fd, (const struct sockaddr *)&address, sizeof(address)), errno);
    assert_true(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL) == 27);
    await(&service, &service.seen[0].ends, "the request");
    assert_true(strncmp(conn_peer(service.seen[0].conn), "[::1]:", 6) == 0);
    close(fd);
    server_free(&six);
    service_fini(&service);
}

static void count_drained(void *context)
{
    ((struct service *)context)->drained++;
}

static bool refuses_connections(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
    bool refused = result != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static void a_drain_of_nothing_is_told_later(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    uint16_t port = server_port(service.server);
    server_drain(service.server, count_drained);
    assert_int_equal(service.drained, 0); /* not inside the call */
    assert_true(refuses_connections(port));
    await(&service, &service.drained, "drained");
    raw_run_for(service.loop, 20);
    assert_int_equal(service.drained, 1);
    service_fini(&service);
}

static void the_end_of_a_drain_is_told_once(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET / ");
    server_drain(service.server, count_drained);
    await(&service, &service.drained, "drained");
    raw_run_for(service.loop, 20);
    assert_int_equal(service.drained, 1);
    raw_client_free(&client);
    service_fini(&service);
}

static void a_drain_closes_idle_ones_and_waits_for_busy_ones(void **state)
{
    (void)state;
    struct service service;
    struct raw_reply reply;
    service_init(&service);
    struct raw_client *idle = service_connect(&service);
    raw_client_send_text(idle, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(idle, 200, "GET /idle ");
    service.on_end = hold_reply;
    struct raw_client *busy = service_connect(&service);
    raw_client_send_text(busy, "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"
                               "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[1].ends, "the request");
    server_drain(service.server, count_drained);
    raw_client_read_to_end(idle);
    assert_int_equal(service.drained, 0);
    reply_text(service.seen[1].conn, 200, "done");
    raw_client_read_reply(busy, false, &reply);
    expect_text(buf_span(&reply.body), "done");
    expect_text(raw_reply_field(&reply, SPAN("Connection")), "close");
    raw_reply_fini(&reply);
    raw_client_read_to_end(busy);
    assert_int_equal(raw_client_received(busy).len, 0);
    raw_client_free(&busy);
    await(&service, &service.drained, "drained");
    assert_int_equal(service.count, 2);
    raw_client_free(&idle);
    service_fini(&service);
}

static void a_stream_that_began_before_the_drain_ends_well(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    service.on_end = hold_reply;
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&service, &service.seen[0].ends, "the request");
    conn_begin(service.seen[0].conn, 200, NULL, 0);
    conn_send(service.seen[0].conn, SPAN("one;"));
    raw_client_read_until(client, "one;");
    server_drain(service.server, count_drained);
    conn_send(service.seen[0].conn, SPAN("two;"));
    raw_run_for(service.loop, 20);
    conn_end(service.seen[0].conn);
    expect_reply(client, 200, "one;two;");
    expect_end_soon(client);
    assert_false(raw_client_was_reset(client));
    raw_client_free(&client);
    await(&service, &service.drained, "drained");
    service_fini(&service);
}

/* In the kernel's queue when the drain begins: taken and answered, with or without its request. */
static void what_the_kernel_had_accepted_is_served(void **state)
{
    (void)state;
    enum { CLIENTS = 150 };
    static struct raw_client *clients[CLIENTS];
    struct service service;
    service_init(&service);
    service.settings.max_connections = CLIENTS;
    server_set(service.server, &service.settings);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = service_connect(&service);
        if (i % 2 == 0 && i < 60)
            raw_client_send_text(clients[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    int64_t start_ms = test_now_ms();
    server_drain(service.server, count_drained);
    for (int i = 0; i < 60; i++) {
        if (i % 2 == 1)
            raw_client_send_text(clients[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_reply(clients[i], 200, "GET / ");
    }
    for (int i = 0; i < CLIENTS; i++) {
        raw_client_read_to_end(clients[i]); /* those that stay silent are closed quietly */
        assert_int_equal(raw_client_received(clients[i]).len, 0);
        assert_false(raw_client_was_reset(clients[i]));
        raw_client_free(&clients[i]);
    }
    await(&service, &service.drained, "drained");
    assert_true(test_now_ms() - start_ms < 3000); /* their second, not the head timeout */
    assert_int_equal(service.refusals, 0);
    service_fini(&service);
}

/* A request that crossed our decision to close is answered rather than reset. */
static void an_unread_request_on_an_idle_connection_is_served(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET /1 ");
    raw_run_for(service.loop, 5);
    raw_client_send_text(client, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    server_drain(service.server, count_drained);
    expect_reply(client, 200, "GET /2 ");
    raw_client_read_to_end(client);
    raw_client_free(&client);
    await(&service, &service.drained, "drained");
    service_fini(&service);
}

static void free_server(void *context)
{
    struct service *service = context;
    service->drained++;
    server_free(&service->server);
}

static void drained_may_free_the_server(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    struct raw_client *client = service_connect(&service);
    raw_client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_reply(client, 200, "GET / ");
    server_drain(service.server, free_server);
    await(&service, &service.drained, "drained");
    assert_null(service.server);
    raw_client_read_to_end(client);
    raw_client_free(&client);
    service_fini(&service);
}

int test_listen(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why_it_cannot_listen),
        cmocka_unit_test(two_share_a_port),
        cmocka_unit_test(listens_on_ipv6),
        cmocka_unit_test(a_drain_of_nothing_is_told_later),
        cmocka_unit_test(the_end_of_a_drain_is_told_once),
        cmocka_unit_test(a_drain_closes_idle_ones_and_waits_for_busy_ones),
        cmocka_unit_test(a_stream_that_began_before_the_drain_ends_well),
        cmocka_unit_test(what_the_kernel_had_accepted_is_served),
        cmocka_unit_test(an_unread_request_on_an_idle_connection_is_served),
        cmocka_unit_test(drained_may_free_the_server),
    };
    return cmocka_run_group_tests_name("net/listen", tests, NULL, NULL);
}
