/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that end well: what goes out, what comes back in each framing, and who is called when. */
#include "fixture.h"

#define OK_SMALL "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\nok"

static const struct script_step answer_small[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                  SCRIPT_AGAIN};

static void test_request_and_answer(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    char expected[256];
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    record_init(&record, fixture);
    start_small(&record);
    assert_int_equal(upstream_client_active(fixture->client), 1);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "ok");
    assert_string_equal(record.head, "Content-Type=application/json|Content-Length=2|");
    assert_int_equal(upstream_client_active(fixture->client), 0);
    snprintf(expected, sizeof(expected),
             "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: weir\r\n"
             "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}",
             scripted_upstream_port(fixture->upstream));
    struct span request = scripted_upstream_request(fixture->upstream, 0);
    assert_int_equal(request.len, strlen(expected));
    assert_memory_equal(request.ptr, expected, request.len);
    record_fini(&record);
}

static void test_nothing_is_called_from_start(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    record_init(&record, fixture);
    run_small(&record);
    record_fini(&record);
    /* Now a connection is there, and still nothing happens before the turn's end. */
    record_init(&record, fixture);
    start_small(&record);
    assert_int_equal(record.dones + record.heads, 0);
    TURN_UNTIL(fixture, record.dones == 1);
    record_fini(&record);
}

static void test_connections_are_kept(void **state)
{
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (int i = 0; i < 5; i++) {
        struct record record;
        record_init(&record, fixture);
        run_small(&record);
        assert_whole(&record, 200, "ok");
        record_fini(&record);
    }
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 1);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 5);
}

static void test_many_at_once(void **state)
{
    enum { MANY = 50 };
    struct fixture *fixture = *state;
    struct record records[MANY];
    int done = 0;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            record_init(&records[i], fixture);
            start_small(&records[i]);
        }
        assert_int_equal(upstream_client_active(fixture->client), MANY);
        for (int i = 0; i < MANY; i++) {
            TURN_UNTIL(fixture, records[i].dones == 1);
            assert_whole(&records[i], 200, "ok");
            record_fini(&records[i]);
            done++;
        }
    }
    assert_int_equal(done, 2 * MANY);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), MANY);
}

/* What the answer is made of on the wire, and what must come of it. */
struct framing {
    struct script_step send;
    int status;
    const char *head;
    const char *body;
    bool close;
};

static const struct framing framings[] = {
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n"),
     200, "Transfer-Encoding=chunked|", "hello, world", false},
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
                 "2\r\nhi\r\n0\r\nX-Trailer: dropped\r\n\r\n"),
     200, "transfer-encoding=Chunked|", "hi", false},
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Blank:  a b \t\r\n\r\nto the end"), 200,
     "X-Empty=|X-Blank=a b|", "to the end", true},
    {SCRIPT_SEND("HTTP/1.0 200 OK\r\n\r\nold"), 200, "", "old", true},
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\n\r\n"), 200, "", "", true},
    {SCRIPT_SEND("HTTP/1.1 204 No Content\r\n\r\n"), 204, "", "", false},
    {SCRIPT_SEND("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), 429,
     "Retry-After=7|Content-Length=0|", "", false},
    {SCRIPT_SEND("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: "
                 "1\r\n\r\nr"),
     302, "Location=http://127.0.0.1:1/x|Content-Length=1|", "r", false},
    {SCRIPT_SEND("HTTP/1.1 307 Again\r\nLocation: ://%%\r\nContent-Length: 1\r\n\r\nr"), 307,
     "Location=://%%|Content-Length=1|", "r", false},
    {SCRIPT_SEND("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: "
                 "1\r\n\r\nn"),
     401, "WWW-Authenticate=Basic realm=\"x\"|Content-Length=1|", "n", false},
    {SCRIPT_SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
     200, "Content-Length=1|", "x", false},
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), 200,
     "Content-Length=3|Content-Length=3|", "abc", false},
    {SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b."),
     200, "Content-Encoding=gzip|Content-Length=3|", "\x1f\x8b.", false},
    {SCRIPT_SEND("HTTP/1.1 200 \r\nContent-Length: 1\r\nSet-Cookie: a=b\r\n\r\nx"), 200,
     "Content-Length=1|Set-Cookie=a=b|", "x", false},
};

static void check_framing(struct fixture *fixture, const struct framing *framing, size_t each)
{
    struct record record;
    struct script_step steps[] = {SCRIPT_REQUEST, framing->send, SCRIPT_CLOSE};
    steps[1].size = each;
    scripted_upstream_play(fixture->upstream, steps, framing->close ? 3 : 2);
    record_init(&record, fixture);
    /* Each script is for one connection. */
    struct upstream_client *shared = fixture->client;
    fixture->client = upstream_client_new(fixture->loop);
    run_small(&record);
    upstream_client_free(&fixture->client);
    fixture->client = shared;
    assert_whole(&record, framing->status, framing->body);
    assert_string_equal(record.head, framing->head);
    record_fini(&record);
}

static void test_framings(void **state)
{
    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
        check_framing(*state, &framings[i], SIZE_MAX);
}

static void test_framings_byte_by_byte(void **state)
{
    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
        check_framing(*state, &framings[i], 1);
}

static void test_large_both_ways(void **state)
{
    enum { LARGE = 3 * 1024 * 1024 + 17 };
    static const struct script_step steps[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"),
        SCRIPT_FLOOD(5000000)};
    struct fixture *fixture = *state;
    struct record record;
    char *body = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)(i % 251);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, span_make(body, LARGE));
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_int_equal(record.err, ERR_NONE);
    assert_int_equal(record.facts.received_bytes, 5000000);
    struct span sent = scripted_upstream_body(fixture->upstream, 0);
    assert_int_equal(sent.len, LARGE);
    assert_memory_equal(sent.ptr, body, LARGE);
    record_fini(&record);
    free(body);
}

static void test_empty_body(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN_NONE);
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "ok");
    assert_int_equal(scripted_upstream_body(fixture->upstream, 0).len, 0);
    record_fini(&record);
}

/* An upstream that refuses before it has read the body: its answer is what counts. */
static void test_answer_before_the_body_is_sent(void **state)
{
    enum { LARGE = 16 * 1024 * 1024 };
    static const struct script_step steps[] = {
        SCRIPT_HEAD, SCRIPT_DEAF,
        SCRIPT_SEND("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")};
    struct fixture *fixture = *state;
    struct record record;
    char *body = calloc(1, LARGE);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, span_make(body, LARGE));
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 413, "no");
    record_fini(&record);
    free(body);
}

static void start_other(struct record *record)
{
    start_small(record->other);
    assert_int_equal(record->other->heads + record->other->dones, 0);
}

/* A callback may start the next attempt; on_done may even be given the same one again. */
static void test_start_from_each_callback(void **state)
{
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (int hook = 0; hook < 3; hook++) {
        struct record record;
        struct record other;
        record_init(&record, fixture);
        record_init(&other, fixture);
        record.other = &other;
        *(hook == 0   ? &record.head_hook
          : hook == 1 ? &record.body_hook
                      : &record.done_hook) = start_other;
        start_small(&record);
        TURN_UNTIL(fixture, record.dones == 1 && other.dones == 1);
        assert_whole(&record, 200, "ok");
        assert_whole(&other, 200, "ok");
        record_fini(&record);
        record_fini(&other);
    }
}

/* Different routes on one client: pooled handles change over completely. */
static void test_routes_take_turns(void **state)
{
    struct fixture *fixture = *state;
    struct upstream_route *routes[2] = {
        upstream_route_ref(fixture->route),
        make_route(scripted_upstream_base(fixture->upstream), "/other?x=1")};
    static const char *const lines[2] = {"POST /v1/chat/completions HTTP/1.1\r\n",
                                         "POST /other?x=1 HTTP/1.1\r\n"};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (size_t i = 0; i < 12; i++) {
        size_t which = (i / 3) % 2;
        struct record record;
        record_init(&record, fixture);
        struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
        spec.route = routes[which];
        start(&record, &spec);
        TURN_UNTIL(fixture, record.dones == 1);
        assert_whole(&record, 200, "ok");
        assert_true(span_starts_with(scripted_upstream_request(fixture->upstream, i),
                                     span_from_string(lines[which])));
        record_fini(&record);
    }
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 1);
    upstream_route_unref(&routes[0]);
    upstream_route_unref(&routes[1]);
}

/* More attempts than the pool keeps; and the route may be let go right after the start. */
static void test_more_than_the_pool_keeps(void **state)
{
    enum { MANY = 300 };
    struct fixture *fixture = *state;
    struct record *records = calloc(MANY, sizeof(*records));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answer_small);
    for (int i = 0; i < MANY; i++) {
        record_init(&records[i], fixture);
        start_small(&records[i]);
    }
    upstream_route_unref(&fixture->route);
    for (int i = 0; i < MANY; i++) {
        TURN_UNTIL(fixture, records[i].dones == 1);
        assert_whole(&records[i], 200, "ok");
        record_fini(&records[i]);
    }
    free(records);
}

int test_attempt(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_and_answer),
        TEST(test_nothing_is_called_from_start),
        TEST(test_connections_are_kept),
        TEST(test_many_at_once),
        TEST(test_framings),
        TEST(test_framings_byte_by_byte),
        TEST(test_large_both_ways),
        TEST(test_empty_body),
        TEST(test_answer_before_the_body_is_sent),
        TEST(test_start_from_each_callback),
        TEST(test_routes_take_turns),
        TEST(test_more_than_the_pool_keeps),
    };
    return GROUP("attempt", tests);
}
