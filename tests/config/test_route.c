/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider's route sends, as a socket sees it: the address, the path, the credentials. */
#include "fixture.h"

#include "base/clock.h"
#include "loop/loop.h"
#include "upstream/attempt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

int test_route(void);

#define DEADLINE_MS 10000

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

struct exchange {
    int listener;
    int port;
    int client; /* -1: not connected yet */
    char request[4096];
    size_t len;
    bool answered;
    bool done;
};

static void ignore_head(void *argument, int status, const struct headers *headers)
{
    (void)argument;
    (void)headers;
    assert_int_equal(status, 200);
}

static void ignore_body(void *argument, struct span bytes)
{
    (void)argument;
    (void)bytes;
}

static void note_done(void *argument, enum err err, const struct attempt_facts *facts)
{
    (void)facts;
    assert_int_equal(err, ERR_NONE);
    ((struct exchange *)argument)->done = true;
}

static void listen_on_any_port(struct exchange *exchange)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *exchange = (struct exchange){.client = -1};
    exchange->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(exchange->listener >= 0);
    assert_int_equal(bind(exchange->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(exchange->listener, 1), 0);
    assert_int_equal(getsockname(exchange->listener, (struct sockaddr *)&address, &size), 0);
    exchange->port = ntohs(address.sin_port);
}

/* Takes what has come, and answers once the body, "{}", is there. */
static void serve(struct exchange *exchange)
{
    if (exchange->client < 0)
        exchange->client = accept4(exchange->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (exchange->client < 0 || exchange->answered)
        return;
    ssize_t got = read(exchange->client, exchange->request + exchange->len,
                       sizeof(exchange->request) - 1 - exchange->len);
    if (got > 0)
        exchange->len += (size_t)got;
    exchange->request[exchange->len] = '\0';
    if (strstr(exchange->request, "\r\n\r\n{}") == NULL)
        return;
    assert_int_equal(write(exchange->client, answer, strlen(answer)), strlen(answer));
    exchange->answered = true;
}

/* Posts "{}" by the first provider's route and keeps the request's bytes. */
static void run(struct exchange *exchange, const struct snapshot *snapshot)
{
    static const struct attempt_events events = {ignore_head, ignore_body, note_done};
    struct loop *loop = loop_new();
    struct upstream_client *client = upstream_client_new(loop);
    struct attempt_spec spec = {.route = snapshot->providers[0]->routes[CALL_CHAT],
                                .body = SPAN("{}"),
                                .first_byte_timeout_ms = DEADLINE_MS,
                                .idle_timeout_ms = DEADLINE_MS,
                                .total_timeout_ms = DEADLINE_MS};
    attempt_start(client, &spec, &events, exchange);
    int64_t end_ns = clock_monotonic_ns() + DEADLINE_MS * NS_PER_MS;
    while (!exchange->done && clock_monotonic_ns() < end_ns) {
        loop_run_once(loop, 5);
        serve(exchange);
    }
    assert_true(exchange->done);
    upstream_client_free(&client);
    loop_free(&loop);
    close(exchange->client);
    close(exchange->listener);
}

static void a_route_carries_path_and_key(void **state)
{
    struct exchange exchange;
    char yaml[512];
    char host[64];
    listen_on_any_port(&exchange);
    snprintf(yaml, sizeof(yaml),
             "providers: {p: {kind: openai, base_url: http://127.0.0.1:%d/v1/, "
             "api_key: sk-test}}\n" MODELS TENANTS,
             exchange.port);
    struct snapshot *s = fixture_load_good(*state, yaml);
    run(&exchange, s);
    snapshot_unref(&s);
    snprintf(host, sizeof(host), "Host: 127.0.0.1:%d\r\n", exchange.port);
    assert_ptr_equal(strstr(exchange.request, "POST /v1/chat/completions HTTP/1.1\r\n"),
                     exchange.request);
    assert_non_null(strstr(exchange.request, host));
    assert_non_null(strstr(exchange.request, "\r\nAuthorization: Bearer sk-test\r\n"));
    assert_non_null(strstr(exchange.request, "\r\nContent-Type: application/json\r\n"));
}

static void without_a_key_nothing_is_claimed(void **state)
{
    struct exchange exchange;
    char yaml[512];
    listen_on_any_port(&exchange);
    snprintf(yaml, sizeof(yaml),
             "providers: {p: {kind: openai, base_url: http://127.0.0.1:%d}}\n" MODELS TENANTS,
             exchange.port);
    struct snapshot *s = fixture_load_good(*state, yaml);
    run(&exchange, s);
    snapshot_unref(&s);
    assert_ptr_equal(strstr(exchange.request, "POST /chat/completions HTTP/1.1\r\n"),
                     exchange.request);
    assert_null(strstr(exchange.request, "uthorization"));
}

/* The proxy sees the provider's whole URL; the environment's proxy is never asked. */
static void a_proxy_of_the_file_is_used(void **state)
{
    struct exchange exchange;
    char yaml[512];
    listen_on_any_port(&exchange);
    snprintf(yaml, sizeof(yaml),
             "egress: {proxy: 'http://me:pw@127.0.0.1:%d'}\n"
             "providers: {p: {kind: openai, base_url: http://llm.example/v1}}\n" MODELS TENANTS,
             exchange.port);
    struct snapshot *s = fixture_load_good(*state, yaml);
    run(&exchange, s);
    snapshot_unref(&s);
    assert_ptr_equal(
        strstr(exchange.request, "POST http://llm.example/v1/chat/completions HTTP/1.1\r\n"),
        exchange.request);
    assert_non_null(strstr(exchange.request, "Proxy-Authorization: Basic bWU6cHc=\r\n"));
}

int test_route(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_route_carries_path_and_key),
        FIXTURE_TEST(without_a_key_nothing_is_claimed),
        FIXTURE_TEST(a_proxy_of_the_file_is_used),
    };
    return cmocka_run_group_tests_name("config/route", tests, NULL, NULL);
}
