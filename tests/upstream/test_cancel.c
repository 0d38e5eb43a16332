/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling at each point of an attempt's life, from outside and from every callback. */
#include "fixture.h"

#define HEAD_OF_10 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

/* The upstream sees the end within 100 ms, and nothing more is said. */
static void assert_gone(struct fixture *fixture, const struct record *record, size_t connection)
{
    int64_t start_ms = now_ms();
    int heard = record->heads + record->bodies;
    assert_null(record->attempt);
    assert_int_equal(upstream_client_active(fixture->client), 0);
    TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, connection).peer_closed);
    assert_true(now_ms() - start_ms < 100);
    turn_for(fixture, 20);
    assert_int_equal(record->dones, 0);
    assert_int_equal(record->heads + record->bodies, heard);
}

static void test_before_the_first_drive(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    struct attempt_facts facts;
    record_init(&record, fixture);
    start_small(&record);
    attempt_cancel(&record.attempt, &facts);
    assert_null(record.attempt);
    assert_false(facts.connected);
    assert_int_equal(upstream_client_active(fixture->client), 0);
    turn_for(fixture, 20);
    assert_int_equal(record.dones, 0);
    assert_int_equal(scripted_upstream_connections(fixture->upstream), 0);
    record_fini(&record);
}

static void test_nothing(void **state)
{
    struct attempt *none = NULL;
    struct attempt_facts facts = {.connected = true, .status = 1};
    (void)state;
    attempt_cancel(&none, NULL);
    attempt_cancel(&none, &facts);
    assert_false(facts.connected);
    assert_int_equal(facts.status, 0);
    assert_string_equal(facts.reason, "");
}

/* Waiting for the answer, in the head, and in the body. */
static void test_at_each_state(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    static const struct script_step in_head[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-"), SCRIPT_HOLD};
    static const struct script_step after_head[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10),
                                                    SCRIPT_HOLD};
    static const struct script_step in_body[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "12345"),
                                                 SCRIPT_HOLD};
    static const struct script_step *const scripts[] = {silent, in_head, after_head, in_body};
    static const size_t counts[] = {2, 3, 3, 3};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 4; i++) {
        struct record record;
        struct attempt_facts facts;
        scripted_upstream_play(fixture->upstream, scripts[i], counts[i]);
        record_init(&record, fixture);
        start_small(&record);
        TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 1);
        turn_for(fixture, 20);
        attempt_cancel(&record.attempt, &facts);
        assert_true(facts.connected);
        assert_int_equal(facts.status, i >= 2 ? 200 : 0);
        assert_int_equal(facts.received_bytes, i == 3 ? 5 : 0);
        assert_gone(fixture, &record, i);
        record_fini(&record);
    }
}

static void cancel_self(struct record *record)
{
    attempt_cancel(&record->attempt, &record->facts);
}

static void test_from_own_callbacks(void **state)
{
    static const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "0123456789"),
                                               SCRIPT_HOLD};
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    for (size_t i = 0; i < 2; i++) {
        struct record record;
        record_init(&record, fixture);
        *(i == 0 ? &record.head_hook : &record.body_hook) = cancel_self;
        start_small(&record);
        TURN_UNTIL(fixture, record.attempt == NULL);
        assert_int_equal(record.facts.status, 200);
        assert_int_equal(record.facts.received_bytes, i == 1 ? 10 : 0);
        assert_gone(fixture, &record, i);
        record_fini(&record);
    }
}

/* The last bytes bring the end with them, yet a cancelled attempt has no end. And cancelling in a
 * stream in pieces stops at once. */
static void test_in_the_middle_of_chunks(void **state)
{
    static const struct script_step steps[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"),
        SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    record.body_hook = cancel_self;
    start_small(&record);
    TURN_UNTIL(fixture, record.attempt == NULL);
    assert_gone(fixture, &record, 0);
    assert_body(&record, "a");
    record_fini(&record);
}

static void cancel_other(struct record *record)
{
    if (record->other->attempt == NULL)
        return;
    attempt_cancel(&record->other->attempt, &record->other->facts);
    buf_fini(&record->other->body);
}

/* One attempt's callback cancels another one that waits for its answer. */
static void test_another_from_each_callback(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    static const struct script_step answers[] = {SCRIPT_REQUEST,
                                                 SCRIPT_SEND(HEAD_OF_10 "0123456789")};
    struct fixture *fixture = *state;
    for (size_t hook = 0; hook < 3; hook++) {
        struct record other;
        struct record record;
        SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
        SCRIPTED_UPSTREAM_PLAY(fixture->upstream, answers);
        struct upstream_client *client = upstream_client_new(fixture->loop);
        struct upstream_client *shared = fixture->client;
        fixture->client = client;
        record_init(&other, fixture);
        start_small(&other);
        TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 1);
        record_init(&record, fixture);
        record.other = &other;
        *(hook == 0   ? &record.head_hook
          : hook == 1 ? &record.body_hook
                      : &record.done_hook) = cancel_other;
        run_small(&record);
        assert_whole(&record, 200, "0123456789");
        assert_gone(fixture, &other, 2 * hook);
        upstream_client_free(&fixture->client);
        fixture->client = shared;
        record_fini(&record);
    }
}

struct uploader {
    struct record record;
    char *body;
};

static void pause_self(struct record *record)
{
    attempt_pause(record->attempt);
}

/* Not by the bytes that were withheld, which come from the resume itself, but by the next ones. */
static void cancel_uploader(struct record *record)
{
    struct uploader *uploader = (struct uploader *)(void *)record->other;
    if (record->bodies < 3 || uploader->body == NULL)
        return;
    attempt_cancel(&uploader->record.attempt, NULL);
    free(uploader->body);
    uploader->body = NULL;
}

/* The body of a cancelled attempt may be freed at once, though curl is in the middle of sending it.
 * Both go on in the same call of curl: each was paused with bytes withheld, and is resumed. */
static void check_cancel_uploader(struct fixture *fixture, bool uploader_first)
{
    enum { LARGE = 64 * 1024 * 1024 };
    static const struct script_step early[] = {
        SCRIPT_HEAD, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1"), SCRIPT_HOLD,
        SCRIPT_SEND("2")};
    static const struct script_step flood[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 4000001\r\n\r\n1"),
        SCRIPT_HOLD, SCRIPT_FLOOD(4000000)};
    struct record record;
    struct uploader uploader = {.body = calloc(1, LARGE)};
    record_init(&record, fixture);
    record_init(&uploader.record, fixture);
    record.body_hook = uploader.record.body_hook = pause_self;
    record.other = &uploader.record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, early);
    struct attempt_spec spec = spec_of(fixture, span_make(uploader.body, LARGE));
    start(&uploader.record, &spec);
    TURN_UNTIL(fixture, scripted_upstream_connections(fixture->upstream) % 2 == 1);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    start_small(&record);
    TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 2 && record.bodies == 1 &&
                            uploader.record.bodies == 1);
    scripted_upstream_release(fixture->upstream);
    for (int turn = 0; turn < 4; turn++)
        loop_run_once(fixture->loop, 0);
    uploader.record.body_hook = NULL;
    record.body_hook = cancel_uploader;
    attempt_resume(uploader_first ? uploader.record.attempt : record.attempt);
    attempt_resume(uploader_first ? record.attempt : uploader.record.attempt);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_int_equal(record.err, ERR_NONE);
    assert_int_equal(buf_len(&record.body), 4000001);
    assert_null(uploader.body);
    assert_int_equal(uploader.record.dones, 0);
    assert_int_equal(upstream_client_active(fixture->client), 0);
    record_fini(&record);
    record_fini(&uploader.record);
}

static void test_another_that_is_sending(void **state)
{
    struct fixture *fixture = *state;
    for (int order = 0; order < 2; order++) {
        check_cancel_uploader(fixture, order == 0);
        upstream_client_free(&fixture->client); /* the next round is to make its own connections */
        fixture->client = upstream_client_new(fixture->loop);
    }
}

/* And one whose request curl would send in that same call, on a kept connection, is not sent. */
static void test_another_that_is_about_to_send(void **state)
{
    static const struct script_step flood[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 4000001\r\n\r\n1"),
        SCRIPT_HOLD, SCRIPT_FLOOD(4000000)};
    static const struct script_step small[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "0123456789"),
                                               SCRIPT_AGAIN};
    struct fixture *fixture = *state;
    struct record record;
    struct record kept;
    struct uploader uploader = {.body = calloc(1, 100)};
    record_init(&record, fixture);
    record_init(&kept, fixture);
    record_init(&uploader.record, fixture);
    record.body_hook = pause_self;
    record.other = &uploader.record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, small);
    start_small(&record);
    TURN_UNTIL(fixture, record.bodies == 1);
    run_small(&kept);
    assert_whole(&kept, 200, "0123456789");
    scripted_upstream_release(fixture->upstream);
    for (int turn = 0; turn < 4; turn++)
        loop_run_once(fixture->loop, 0);
    record.body_hook = cancel_uploader;
    attempt_resume(record.attempt);
    struct attempt_spec spec = spec_of(fixture, span_make(uploader.body, 100));
    start(&uploader.record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_null(uploader.body);
    turn_for(fixture, 20);
    assert_int_equal(scripted_upstream_requests(fixture->upstream), 2);
    assert_int_equal(uploader.record.dones, 0);
    record_fini(&record);
    record_fini(&kept);
    record_fini(&uploader.record);
}

static void cancel_and_start(struct record *record)
{
    attempt_cancel(&record->attempt, NULL);
    start_small(record->other);
}

/* The usual thing after a bad head: this one ends, the next one starts. */
static void test_cancel_and_start_in_on_head(void **state)
{
    static const struct script_step bad[] = {SCRIPT_REQUEST,
                                             SCRIPT_SEND("HTTP/1.1 503 Busy\r\nContent-Length: "
                                                         "10\r\n\r\n"),
                                             SCRIPT_HOLD};
    static const struct script_step good[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "0123456789")};
    struct fixture *fixture = *state;
    struct record record;
    struct record next;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, bad);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, good);
    record_init(&record, fixture);
    record_init(&next, fixture);
    record.other = &next;
    record.head_hook = cancel_and_start;
    start_small(&record);
    TURN_UNTIL(fixture, next.dones == 1);
    assert_whole(&next, 200, "0123456789");
    assert_int_equal(record.dones, 0);
    assert_gone(fixture, &record, 0);
    record_fini(&record);
    record_fini(&next);
}

/* A name that is being resolved holds nobody up. */
static void test_while_resolving(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    struct upstream_route *route = make_route("http://slow.nosuchname.invalid", "/");
    record_init(&record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.route = route;
    start(&record, &spec);
    upstream_route_unref(&route);
    loop_run_once(fixture->loop, 0);
    int dones = record.dones; /* a machine without a network may have its answer by now */
    int64_t start_ms = now_ms();
    attempt_cancel(&record.attempt, NULL);
    assert_true(now_ms() - start_ms < 100);
    turn_for(fixture, 20);
    assert_int_equal(record.dones, dones);
    record_fini(&record);
}

/* Cancelled ones leave nothing behind that a later attempt on the same handle would trip over. */
static void test_handles_are_as_good_as_new(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    static const struct script_step good[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "0123456789"),
                                              SCRIPT_AGAIN};
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, good);
    for (int i = 0; i < 2; i++) {
        struct record record;
        record_init(&record, fixture);
        start_small(&record);
        if (i == 0) {
            attempt_pause(record.attempt);
            TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 1);
            attempt_cancel(&record.attempt, NULL);
        } else {
            TURN_UNTIL(fixture, record.dones == 1);
            assert_whole(&record, 200, "0123456789");
        }
        record_fini(&record);
    }
}

int test_cancel(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_before_the_first_drive),
        TEST(test_nothing),
        TEST(test_at_each_state),
        TEST(test_from_own_callbacks),
        TEST(test_in_the_middle_of_chunks),
        TEST(test_another_from_each_callback),
        TEST(test_another_that_is_sending),
        TEST(test_another_that_is_about_to_send),
        TEST(test_cancel_and_start_in_on_head),
        TEST(test_while_resolving),
        TEST(test_handles_are_as_good_as_new),
    };
    return GROUP("cancel", tests);
}
