/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: what is refused, what they put on the wire, and that threads may share one. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define OK_SMALL "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const struct script_step answer_small[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                  SCRIPT_AGAIN};

static struct upstream_route *route_of(struct span url, struct span name, struct span value)
{
    struct header header = {name, value};
    return upstream_route_new(&(struct upstream_route_settings){
        .url = url, .headers = &header, .header_count = 1, .connect_timeout_ms = 1000});
}

static void test_urls(void **state)
{
    static const struct span good[] = {
        SPAN("http://127.0.0.1:8080/v1"), SPAN("https://api.example.com/v1/chat/completions"),
        SPAN("http://[::1]:9/"), SPAN("HTTPS://EXAMPLE.COM"), SPAN("http://h/a%20b?c=d")};
    static const struct span bad[] = {SPAN(""),
                                      SPAN("api.example.com/v1"),
                                      SPAN("/v1"),
                                      SPAN("ftp://example.com/"),
                                      SPAN("file:///etc/passwd"),
                                      SPAN("http://"),
                                      SPAN("http://user:secret@example.com/"),
                                      SPAN("http://example.com:99999/"),
                                      SPAN("http://exa mple.com/"),
                                      SPAN("http://example.com/\r\nX: y"),
                                      SPAN("http://example.com/\0x"),
                                      SPAN("nonsense://example.com")};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct upstream_route *route = route_of(good[i], SPAN("X"), SPAN("y"));
        assert_non_null(route);
        upstream_route_unref(&route);
        assert_null(route);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (route_of(bad[i], SPAN("X"), SPAN("y")) != NULL)
            fail_msg("%.*s was taken", SPAN_ARG(bad[i]));
}

static void test_bad_headers(void **state)
{
    static const struct header bad[] = {
        {SPAN(""), SPAN("x")},
        {SPAN("X Y"), SPAN("x")},
        {SPAN("X:"), SPAN("x")},
        {SPAN("X\r\nY"), SPAN("x")},
        {SPAN("X\0"), SPAN("x")},
        {SPAN("X\xc3\xa4"), SPAN("x")},
        {SPAN("X"), SPAN("a\r\nY: b")},
        {SPAN("X"), SPAN("a\nb")},
        {SPAN("X"), SPAN("a\0b")},
        {SPAN("X"), SPAN("a\x7f")},
        {SPAN("Content-Length"), SPAN("3")},
        {SPAN("transfer-encoding"), SPAN("chunked")},
        {SPAN("Expect"), SPAN("100-continue")},
        {SPAN("CONNECTION"), SPAN("close")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (route_of(SPAN("http://h/"), bad[i].name, bad[i].value) != NULL)
            fail_msg("header %zu was taken", i);
}

static void test_bad_proxy_and_file(void **state)
{
    struct upstream_route_settings settings = {
        .url = SPAN("http://h/"), .proxy = SPAN("http://exa mple:1"), .connect_timeout_ms = 1};
    (void)state;
    assert_null(upstream_route_new(&settings));
    settings.proxy = SPAN("http://h\0:1");
    assert_null(upstream_route_new(&settings));
    settings.proxy = SPAN_NONE;
    settings.ca_file = SPAN("/etc/\0x");
    assert_null(upstream_route_new(&settings));
}

static void send_one(struct fixture *fixture, struct upstream_route *route)
{
    struct record record;
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.route = route;
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "ok");
    record_fini(&record);
}

static void assert_request(struct fixture *fixture, size_t index, const char *expected)
{
    struct span request = scripted_upstream_request(fixture->upstream, index);
    char text[1024];
    snprintf(text, sizeof(text), "%.*s", SPAN_ARG(request));
    assert_string_equal(text, expected);
}

static void test_headers_on_the_wire(void **state)
{
    static const struct header headers[] = {{SPAN("authorization"), SPAN("Bearer sk-1")},
                                            {SPAN("content-type"), SPAN(" text/x ")},
                                            {SPAN("X-Empty"), SPAN("")},
                                            {SPAN("accept"), SPAN("a/b")},
                                            {SPAN("user-agent"), SPAN("other")},
                                            {SPAN("host"), SPAN("elsewhere")},
                                            {SPAN("X-Two"), SPAN("1")},
                                            {SPAN("X-Two"), SPAN("2")}};
    struct fixture *fixture = *state;
    char url[128];
    char expected[512];
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    snprintf(url, sizeof(url), "%s/v1/x?api-version=1#part",
             scripted_upstream_base(fixture->upstream));
    struct upstream_route_settings settings = {.url = span_from_string(url),
                                               .headers = headers,
                                               .header_count = 8,
                                               .connect_timeout_ms = 1000};
    struct upstream_route *route = upstream_route_new(&settings);
    send_one(fixture, route);
    upstream_route_unref(&route);
    assert_request(fixture, 0,
                   "POST /v1/x?api-version=1 HTTP/1.1\r\nHost: elsewhere\r\n"
                   "authorization: Bearer sk-1\r\ncontent-type: text/x\r\nX-Empty:\r\n"
                   "accept: a/b\r\nuser-agent: other\r\nX-Two: 1\r\nX-Two: 2\r\n"
                   "Content-Length: 2\r\n\r\n{}");
    /* Without any, curl adds none of its own but these. */
    settings.header_count = 0;
    route = upstream_route_new(&settings);
    send_one(fixture, route);
    upstream_route_unref(&route);
    snprintf(expected, sizeof(expected),
             "POST /v1/x?api-version=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: weir\r\n"
             "Content-Length: 2\r\n\r\n{}",
             scripted_upstream_port(fixture->upstream));
    assert_request(fixture, 1, expected);
}

/* The scripted upstream as a proxy: the request comes to it, in absolute form. */
static void test_proxy(void **state)
{
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    setenv("no_proxy", "*", 1);
    struct upstream_route *route = upstream_route_new(&(struct upstream_route_settings){
        .url = SPAN("http://provider.invalid/v1"),
        .proxy = span_from_string(scripted_upstream_base(fixture->upstream)),
        .connect_timeout_ms = 1000});
    send_one(fixture, route);
    unsetenv("no_proxy");
    upstream_route_unref(&route);
    assert_true(span_starts_with(scripted_upstream_request(fixture->upstream, 0),
                                 SPAN("POST http://provider.invalid/v1 HTTP/1.1\r\n"
                                      "Host: provider.invalid\r\n")));
}

/* A proxy that will not lead to the provider: nothing of the request was seen by anyone. */
static void test_proxy_refuses_the_tunnel(void **state)
{
    static const struct script_step refuses[] = {
        SCRIPT_HEAD, SCRIPT_SEND("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")};
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, refuses);
    struct upstream_route *route = upstream_route_new(&(struct upstream_route_settings){
        .url = SPAN("https://provider.invalid/v1"),
        .proxy = span_from_string(scripted_upstream_base(fixture->upstream)),
        .connect_timeout_ms = 1000});
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("secret"));
    spec.route = route;
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_UNREACHABLE, false);
    assert_int_equal(record.heads, 0);
    struct span seen = scripted_upstream_connection(fixture->upstream, 0).received;
    assert_true(span_starts_with(seen, SPAN("CONNECT provider.invalid:443 HTTP/1.1\r\n")));
    assert_int_equal(span_search(seen, SPAN("secret")), seen.len);
    upstream_route_unref(&route);
    record_fini(&record);
}

/* A proxy that leads on: what it says is not taken for the provider's head. */
static void test_proxy_opens_the_tunnel(void **state)
{
    static const struct script_step opens[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 Connected\r\nX-Proxy: 1\r\n\r\n")};
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, opens);
    struct upstream_route *route = upstream_route_new(&(struct upstream_route_settings){
        .url = SPAN("https://provider.invalid/v1"),
        .proxy = span_from_string(scripted_upstream_base(fixture->upstream)),
        .connect_timeout_ms = 5000});
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("secret"));
    spec.route = route;
    start(&record, &spec);
    TURN_UNTIL(fixture, scripted_upstream_requests(fixture->upstream) == 1);
    size_t len = scripted_upstream_request(fixture->upstream, 0).len;
    TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, 0).received.len > len);
    struct span seen = scripted_upstream_connection(fixture->upstream, 0).received;
    assert_int_equal(seen.ptr[len], 0x16); /* a TLS handshake */
    assert_int_equal(record.heads + record.dones, 0);
    attempt_cancel(&record.attempt, NULL);
    upstream_route_unref(&route);
    record_fini(&record);
}

/* Whatever the environment says, no proxy is used unless the route names one. */
static void test_environment_is_ignored(void **state)
{
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    send_one(fixture, fixture->route);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 1);
}

/* A name with several addresses, of which the first refuses where IPv6 is there: the next one is
 * tried, and curl may have made its socket with the number of the one it closed. */
static void test_next_address(void **state)
{
    struct fixture *fixture = *state;
    char base[64];
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    snprintf(base, sizeof(base), "http://localhost:%u", scripted_upstream_port(fixture->upstream));
    struct upstream_route *route = make_route(base, "/");
    for (int i = 0; i < 3; i++)
        send_one(fixture, route);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 1);
    upstream_route_unref(&route);
}

static void test_references(void **state)
{
    struct upstream_route *route = route_of(SPAN("http://h/"), SPAN("X"), SPAN("y"));
    (void)state;
    struct upstream_route *second = upstream_route_ref(route);
    assert_ptr_equal(second, route);
    upstream_route_unref(&route);
    upstream_route_unref(&second);
    upstream_route_unref(&second);
    struct upstream_client *none = NULL;
    upstream_client_free(&none);
}

struct sender {
    struct upstream_route *route;
    pthread_t thread;
    int ok;
    atomic_int *finished;
};

enum { SENDERS = 3, EACH = 40 };

static void *send_many(void *argument)
{
    struct sender *sender = argument;
    struct fixture fixture = {.loop = loop_new(), .route = sender->route};
    fixture.client = upstream_client_new(fixture.loop);
    for (int i = 0; i < EACH; i++) {
        struct record record;
        record_init(&record, &fixture);
        start_small(&record);
        for (int64_t end_ms = now_ms() + DEADLINE_MS; record.dones == 0 && now_ms() < end_ms;)
            loop_run_once(fixture.loop, 100);
        sender->ok += record.dones == 1 && record.err == ERR_NONE;
        record_fini(&record);
    }
    upstream_client_free(&fixture.client);
    loop_free(&fixture.loop);
    upstream_route_unref(&sender->route);
    atomic_fetch_add(sender->finished, 1);
    return NULL;
}

/* Workers with a client each share one route; the last of them frees it. */
static void test_threads_share_a_route(void **state)
{
    struct fixture *fixture = *state;
    struct sender senders[SENDERS] = {0};
    atomic_int finished = 0;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (int i = 0; i < SENDERS; i++) {
        senders[i].route = upstream_route_ref(fixture->route);
        senders[i].finished = &finished;
    }
    upstream_route_unref(&fixture->route);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
    TURN_UNTIL(fixture, atomic_load(&finished) == SENDERS);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].ok, EACH);
    }
    assert_int_equal(scripted_upstream_requests(fixture->upstream), SENDERS * EACH);
}

int test_route(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_urls),
        TEST(test_bad_headers),
        TEST(test_bad_proxy_and_file),
        TEST(test_headers_on_the_wire),
        TEST(test_proxy),
        TEST(test_proxy_refuses_the_tunnel),
        TEST(test_proxy_opens_the_tunnel),
        TEST(test_environment_is_ignored),
        TEST(test_next_address),
        TEST(test_references),
        TEST(test_threads_share_a_route),
    };
    return GROUP("route", tests);
}
