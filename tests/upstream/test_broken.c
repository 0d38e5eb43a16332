/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts that end badly: the right error, and the truth about whether a request may have been
 * seen, as money hangs on it. And kept connections that went bad: never a second request, never
 * another answer's bytes.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_SMALL "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What the upstream does after the request; each answer makes no sense or is not whole. */
struct breakage {
    const char *name;
    struct script_step send;
    enum script_kind end; /* CLOSE, RESET, or HOLD to stay */
    int status;           /* of the head that came before it broke */
    const char *body;
};

#define HEAD_OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD_OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct breakage breakages[] = {
    {"closed at once", SCRIPT_SEND(""), SCRIPT_KIND_CLOSE, 0, ""},
    {"reset at once", SCRIPT_SEND(""), SCRIPT_KIND_RESET, 0, ""},
    {"in the status line", SCRIPT_SEND("HTTP/1.1 20"), SCRIPT_KIND_CLOSE, 0, ""},
    {"in the head", SCRIPT_SEND(HEAD_OK "Content-Le"), SCRIPT_KIND_CLOSE, 0, ""},
    {"before the empty line", SCRIPT_SEND(HEAD_OK "Content-Length: 2\r\n"), SCRIPT_KIND_CLOSE, 0,
     ""},
    {"after an interim head", SCRIPT_SEND("HTTP/1.1 100 Continue\r\n\r\n"), SCRIPT_KIND_CLOSE, 0,
     ""},
    {"short of its length", SCRIPT_SEND(HEAD_OK "Content-Length: 5\r\n\r\nabc"), SCRIPT_KIND_CLOSE,
     200, "abc"},
    {"reset in the body", SCRIPT_SEND(HEAD_OK "Content-Length: 5\r\n\r\n"), SCRIPT_KIND_RESET, 200,
     ""},
    {"without a last chunk", SCRIPT_SEND(CHUNKED "3\r\nabc\r\n"), SCRIPT_KIND_CLOSE, 200, "abc"},
    {"in a chunk", SCRIPT_SEND(CHUNKED "5\r\nabc"), SCRIPT_KIND_CLOSE, 200, "abc"},
    {"in a chunk size", SCRIPT_SEND(CHUNKED "5"), SCRIPT_KIND_CLOSE, 200, ""},
    {"in the last chunk", SCRIPT_SEND(CHUNKED "3\r\nabc\r\n0\r\n"), SCRIPT_KIND_CLOSE, 200, "abc"},
    {"a chunk size of letters", SCRIPT_SEND(CHUNKED "zz\r\nabc\r\n"), SCRIPT_KIND_HOLD, 200, ""},
    {"a chunk longer than it said", SCRIPT_SEND(CHUNKED "2\r\nabcd\r\n0\r\n\r\n"), SCRIPT_KIND_HOLD,
     200, "ab"},
    {"HTTP/0.9", SCRIPT_SEND("hello, this is an answer"), SCRIPT_KIND_CLOSE, 0, ""},
    {"another protocol", SCRIPT_SEND("SSH-2.0-x\r\n\r\n"), SCRIPT_KIND_CLOSE, 0, ""},
    {"a switch of protocols",
     SCRIPT_SEND("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nhello\r\n\r\n"), SCRIPT_KIND_CLOSE, 0,
     ""},
    {"a folded line", SCRIPT_SEND(HEAD_OK "X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a line without a colon", SCRIPT_SEND(HEAD_OK "nonsense\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a blank before the colon", SCRIPT_SEND(HEAD_OK "X : a\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"an empty name", SCRIPT_SEND(HEAD_OK ": a\r\nContent-Length: 0\r\n\r\n"), SCRIPT_KIND_HOLD, 0,
     ""},
    {"a control byte in a value", SCRIPT_SEND(HEAD_OK "X: a\001b\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a carriage return in a value", SCRIPT_SEND(HEAD_OK "X: a\rb\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a NUL in a value", SCRIPT_SEND(HEAD_OK "X: a\0b\r\nContent-Length: 0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"two lengths", SCRIPT_SEND(HEAD_OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a list of lengths", SCRIPT_SEND(HEAD_OK "Content-Length: 2, 2\r\n\r\nab"), SCRIPT_KIND_HOLD,
     0, ""},
    {"a signed length", SCRIPT_SEND(HEAD_OK "Content-Length: +2\r\n\r\nab"), SCRIPT_KIND_HOLD, 0,
     ""},
    {"a negative length", SCRIPT_SEND(HEAD_OK "Content-Length: -2\r\n\r\nab"), SCRIPT_KIND_HOLD, 0,
     ""},
    {"a length and chunks",
     SCRIPT_SEND(HEAD_OK "Content-Length: 2\r\nTransfer-Encoding: "
                         "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"a coding that was not asked for",
     SCRIPT_SEND(HEAD_OK "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
    {"codings in two fields",
     SCRIPT_SEND(HEAD_OK "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     SCRIPT_KIND_HOLD, 0, ""},
};

static void check_breakage(struct fixture *fixture, const struct breakage *breakage)
{
    struct record record;
    const struct script_step steps[] = {SCRIPT_REQUEST, breakage->send, {.kind = breakage->end}};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    run_small(&record);
    if (record.err != ERR_UPSTREAM_BROKEN || !record.facts.connected ||
        record.facts.status != breakage->status)
        fail_msg("%s: %s, status %d, %s", breakage->name, err_info(record.err)->name,
                 record.facts.status, record.facts.reason);
    assert_failed_as(&record, ERR_UPSTREAM_BROKEN, true);
    assert_body(&record, breakage->body);
    /* A connection that broke is not used again. */
    size_t last = scripted_upstream_connections(fixture->upstream) - 1;
    if (breakage->end == SCRIPT_KIND_HOLD)
        TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, last).peer_closed);
    record_fini(&record);
}

static void test_breakages(void **state)
{
    struct fixture *fixture = *state;
    size_t count = sizeof(breakages) / sizeof(breakages[0]);
    for (size_t i = 0; i < count; i++)
        check_breakage(fixture, &breakages[i]);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), count);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), count);
}

/* As many whole copies of `text` as fit. */
static struct span repeated(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    size_t count = size / len;
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, text, len);
    return span_make(out, count * len);
}

static void check_too_large(struct fixture *fixture, const struct script_step *steps, size_t count,
                            int status, const char *reason)
{
    struct record record;
    scripted_upstream_play(fixture->upstream, steps, count);
    record_init(&record, fixture);
    run_small(&record);
    assert_failed_as(&record, ERR_UPSTREAM_BROKEN, true);
    assert_int_equal(record.facts.status, status);
    assert_string_equal(record.facts.reason, reason);
    record_fini(&record);
}

static void test_heads_have_a_ceiling(void **state)
{
    static char text[70000];
    struct fixture *fixture = *state;
    struct span lines =
        repeated(text, sizeof(text),
                 "X: 3456789012345678901234567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345678901234567890"
                 "\r\n");
    const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OK),
                                        SCRIPT_BYTES(lines, SIZE_MAX),
                                        SCRIPT_SEND("Content-Length: 0\r\n\r\n")};
    check_too_large(fixture, steps, 4, 0, "the head of the answer is too large");
}

static void test_heads_have_few_fields(void **state)
{
    char text[256 * 6];
    struct fixture *fixture = *state;
    struct record record;
    struct span lines = repeated(text, sizeof(text), "X: y\r\n");
    const struct script_step fits[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OK),
                                       SCRIPT_BYTES(lines, SIZE_MAX), SCRIPT_SEND("\r\n"),
                                       SCRIPT_CLOSE};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, fits);
    record_init(&record, fixture);
    run_small(&record);
    assert_whole(&record, 200, "");
    record_fini(&record);
    const struct script_step more[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OK),
                                       SCRIPT_BYTES(lines, SIZE_MAX),
                                       SCRIPT_SEND("Content-Length: 0\r\n\r\n")};
    check_too_large(fixture, more, 4, 0, "the head of the answer is malformed");
}

/* Interim heads and trailers count, too, and cannot go on for ever. */
static void test_interim_heads_have_a_ceiling(void **state)
{
    static char text[70000];
    struct span heads = repeated(text, sizeof(text), "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n");
    const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_BYTES(heads, SIZE_MAX)};
    check_too_large(*state, steps, 2, 0, "the head of the answer is too large");
}

static void test_trailers_have_a_ceiling(void **state)
{
    static char text[70000];
    struct span lines = repeated(text, sizeof(text), "X-Trailer: this is one of too many\r\n");
    const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_SEND(CHUNKED "0\r\n"),
                                        SCRIPT_BYTES(lines, SIZE_MAX), SCRIPT_SEND("\r\n")};
    check_too_large(*state, steps, 4, 200, "the head of the answer is too large");
}

static void check_unreachable(struct fixture *fixture, const char *base, int64_t connect_timeout_ms)
{
    struct record record;
    char url[128];
    snprintf(url, sizeof(url), "%s/x", base);
    struct upstream_route *route = upstream_route_new(&(struct upstream_route_settings){
        .url = span_from_string(url), .connect_timeout_ms = connect_timeout_ms});
    assert_non_null(route);
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.route = route;
    start(&record, &spec);
    upstream_route_unref(&route);
    assert_int_equal(record.dones, 0);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_UNREACHABLE, false);
    record_fini(&record);
}

/* A port that nobody listens on, held so that nobody else takes it. */
static int bound_socket(char *base, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(base, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

static void test_refused(void **state)
{
    char base[64];
    int fd = bound_socket(base, sizeof(base));
    check_unreachable(*state, base, 5000);
    close(fd);
}

/* Twice, as with curl 8.14 the second look-up of one handle would leak the name of the first. */
static void test_no_such_name(void **state)
{
    check_unreachable(*state, "http://nosuchname.invalid", 3000);
    check_unreachable(*state, "http://neithername.invalid", 3000);
}

/* A listener whose queue is full lets further connections hang. */
struct full_listener {
    int fd;
    int fillers[16];
    char base[64];
};

static void full_listener_open(struct full_listener *listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    listener->fd = bound_socket(listener->base, sizeof(listener->base));
    assert_int_equal(listen(listener->fd, 0), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 16; i++) {
        listener->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(listener->fillers[i], (struct sockaddr *)&address, length);
    }
}

static void full_listener_close(struct full_listener *listener)
{
    for (int i = 0; i < 16; i++)
        close(listener->fillers[i]);
    close(listener->fd);
}

static void test_connect_timeout(void **state)
{
    struct full_listener listener;
    full_listener_open(&listener);
    int64_t start_ms = now_ms();
    check_unreachable(*state, listener.base, 300);
    assert_in_range(now_ms() - start_ms, 290, 2000);
    full_listener_close(&listener);
}

/* The deadlines of the spec run before there is a connection, too. */
static void test_timeout_while_connecting(void **state)
{
    struct fixture *fixture = *state;
    struct full_listener listener;
    struct record record;
    full_listener_open(&listener);
    struct upstream_route *route = make_route(listener.base, "/");
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.route = route;
    spec.first_byte_timeout_ms = 150;
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_TIMEOUT, false);
    upstream_route_unref(&route);
    record_fini(&record);
    full_listener_close(&listener);
}

static void test_no_tls_there(void **state)
{
    static const struct script_step steps[] = {SCRIPT_SEND("HTTP/1.1 400 Bad\r\n\r\n")};
    struct fixture *fixture = *state;
    char base[64];
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    snprintf(base, sizeof(base), "https://127.0.0.1:%u", scripted_upstream_port(fixture->upstream));
    check_unreachable(fixture, base, 5000);
}

/* ---- kept connections ---- */

static void assert_small_works(struct fixture *fixture)
{
    struct record record;
    record_init(&record, fixture);
    run_small(&record);
    assert_whole(&record, 200, "ok");
    record_fini(&record);
}

static void test_closed_while_kept(void **state)
{
    static const struct script_step closes[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                SCRIPT_CLOSE};
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, closes);
    for (size_t i = 0; i < 3; i++) {
        assert_small_works(fixture);
        TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, i).done);
    }
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 3);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 3);
}

/* With no turn of the loop in between: curl finds out as it sends, and before a byte has left it may
 * try again. (Curl's count of retries never starts afresh on one handle: 20 rounds.) */
static void test_reset_while_kept(void **state)
{
    static const struct script_step resets[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                SCRIPT_RESET};
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, resets);
    for (size_t i = 0; i < 20; i++) {
        assert_small_works(fixture);
        TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, i).done);
    }
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 20);
}

/* That second try goes where the first one would have gone, whatever the handle was used for before;
 * and a large body starts from its beginning. */
static void test_reset_while_kept_for_another_route(void **state)
{
    enum { LARGE = 100000 };
    static const struct script_step resets[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                SCRIPT_RESET};
    struct fixture *fixture = *state;
    struct upstream_route *other = make_route(scripted_upstream_base(fixture->upstream), "/other");
    char *body = malloc(LARGE);
    memset(body, 'b', LARGE);
    body[0] = 'a';
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, resets);
    for (size_t i = 0; i < 4; i++) {
        struct record record;
        record_init(&record, fixture);
        struct attempt_spec spec = spec_of(fixture, span_make(body, i >= 2 ? LARGE : 10));
        spec.route = i % 2 == 0 ? fixture->route : other;
        start(&record, &spec);
        TURN_UNTIL(fixture, record.dones == 1);
        assert_whole(&record, 200, "ok");
        TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, i).done);
        struct span request = scripted_upstream_request(fixture->upstream, i);
        assert_true(span_starts_with(request, i % 2 == 0 ? SPAN("POST /v1/chat/completions ")
                                                         : SPAN("POST /other ")));
        struct span sent = scripted_upstream_body(fixture->upstream, i);
        assert_int_equal(sent.len, spec.body.len);
        assert_memory_equal(sent.ptr, body, sent.len);
        record_fini(&record);
    }
    upstream_route_unref(&other);
    free(body);
}

/* Bytes after an answer are nobody's: with it, or later while the connection is kept (a 408 before
 * closing is common), and more of them than one look takes. */
static void check_stray(struct fixture *fixture, const struct script_step *steps, size_t count)
{
    static const struct script_step good[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")};
    size_t before = scripted_upstream_connections(fixture->upstream);
    scripted_upstream_play(fixture->upstream, steps, count);
    assert_small_works(fixture);
    scripted_upstream_release(fixture->upstream);
    TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, before).done);
    turn_for(fixture, 20);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, good);
    assert_small_works(fixture);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), before + 2);
}

#define STRAY "HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate"

static void test_bytes_after_an_answer(void **state)
{
    static const struct script_step with_it[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL STRAY)};
    static const struct script_step later[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL), SCRIPT_HOLD,
                                               SCRIPT_SEND(STRAY)};
    static const struct script_step then_closed[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                     SCRIPT_HOLD, SCRIPT_SEND(STRAY), SCRIPT_CLOSE};
    static const struct script_step many[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL), SCRIPT_HOLD,
                                              SCRIPT_FLOOD(100000)};
    check_stray(*state, with_it, 2);
    check_stray(*state, later, 4);
    check_stray(*state, then_closed, 5);
    check_stray(*state, many, 4);
}

/* The server takes the request on a kept connection and goes away without a word. It may have
 * billed it, so it is not sent again. */
static void test_never_sent_twice(void **state)
{
    static const struct script_step dies[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL), SCRIPT_REQUEST,
                                              SCRIPT_CLOSE};
    static const struct script_step breaks[] = {SCRIPT_REQUEST, SCRIPT_SEND(OK_SMALL),
                                                SCRIPT_REQUEST, SCRIPT_RESET};
    struct fixture *fixture = *state;
    for (size_t round = 0; round < 2; round++) {
        struct record record;
        scripted_upstream_play(fixture->upstream, round == 0 ? dies : breaks, 4);
        assert_small_works(fixture);
        record_init(&record, fixture);
        run_small(&record);
        assert_failed_as(&record, ERR_UPSTREAM_BROKEN, true);
        assert_string_equal(record.facts.reason, "the connection ended before an answer");
        turn_for(fixture, 20);
        assert_int_equal(scripted_upstream_requests(fixture->upstream), 2 * (round + 1));
        assert_int_equal(scripted_upstream_connections(fixture->upstream), round + 1);
        record_fini(&record);
    }
}

/* Nor on another kept connection, where curl needs no new socket. */
static void test_never_sent_twice_on_another_kept_one(void **state)
{
    static const struct script_step dies[] = {SCRIPT_REQUEST, SCRIPT_HOLD, SCRIPT_SEND(OK_SMALL),
                                              SCRIPT_REQUEST, SCRIPT_CLOSE};
    struct fixture *fixture = *state;
    struct record records[2];
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, dies);
    for (int i = 0; i < 2; i++) {
        record_init(&records[i], fixture);
        start_small(&records[i]);
    }
    TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 2);
    scripted_upstream_release(fixture->upstream);
    for (int i = 0; i < 2; i++) {
        TURN_UNTIL(fixture, records[i].dones == 1);
        assert_whole(&records[i], 200, "ok");
        record_fini(&records[i]);
    }
    record_init(&records[0], fixture);
    run_small(&records[0]);
    assert_failed_as(&records[0], ERR_UPSTREAM_BROKEN, true);
    turn_for(fixture, 20);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 3);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 2);
    record_fini(&records[0]);
}

int test_broken(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_breakages),
        TEST(test_heads_have_a_ceiling),
        TEST(test_heads_have_few_fields),
        TEST(test_interim_heads_have_a_ceiling),
        TEST(test_trailers_have_a_ceiling),
        TEST(test_refused),
        TEST(test_no_such_name),
        TEST(test_connect_timeout),
        TEST(test_timeout_while_connecting),
        TEST(test_no_tls_there),
        TEST(test_closed_while_kept),
        TEST(test_reset_while_kept),
        TEST(test_reset_while_kept_for_another_route),
        TEST(test_bytes_after_an_answer),
        TEST(test_never_sent_twice),
        TEST(test_never_sent_twice_on_another_kept_one),
    };
    return GROUP("broken", tests);
}
