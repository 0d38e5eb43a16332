/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A paused attempt: nothing is handed up, the socket is left alone so that the provider feels it,
 * and the loop sleeps.
 */
#include "fixture.h"

#include <time.h>

enum { FLOOD = 8 * 1024 * 1024, ONE_READ = 16 * 1024 };

static const struct script_step flood[] = {
    SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n"),
    SCRIPT_FLOOD(FLOOD)};

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static void pause_self(struct record *record)
{
    attempt_pause(record->attempt);
}

/* Turns for 400 ms; the loop must sleep but for the tick that looks at deadlines (two turns each in
 * loop_run_once). One that spins would turn thousands of times. */
static void assert_asleep(struct fixture *fixture)
{
    int turns = 0;
    int64_t start_cpu_ms = cpu_ms();
    for (int64_t end_ms = now_ms() + 400; now_ms() < end_ms; turns++)
        loop_run_once(fixture->loop, 400);
    assert_in_range(turns, 1, 30);
    assert_in_range(cpu_ms() - start_cpu_ms, 0, 100);
}

static void wait_until_stuck(struct fixture *fixture)
{
    for (size_t before = SIZE_MAX, sent = 0; before != sent;) {
        before = sent;
        turn_for(fixture, 100);
        sent = scripted_upstream_connection(fixture->upstream, 0).sent;
    }
}

static void test_paused_attempt_sleeps(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    record_init(&record, fixture);
    record.body_hook = pause_self;
    start_small(&record);
    TURN_UNTIL(fixture, record.bodies == 1);
    size_t at_pause = buf_len(&record.body);
    assert_in_range(at_pause, 1, ONE_READ);
    wait_until_stuck(fixture);
    size_t sent = scripted_upstream_connection(fixture->upstream, 0).sent;
    assert_true(sent < FLOOD);
    assert_asleep(fixture);
    assert_int_equal(record.bodies, 1);
    assert_int_equal(scripted_upstream_connection(fixture->upstream, 0).sent, sent);
    assert_int_equal(upstream_client_active(fixture->client), 1);
    /* And it goes on where it was. */
    record.body_hook = NULL;
    attempt_resume(record.attempt);
    assert_int_equal(record.bodies, 1);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_int_equal(record.err, ERR_NONE);
    assert_int_equal(buf_len(&record.body), FLOOD);
    record_fini(&record);
}

/* Every piece is paused upon and resumed from outside: nothing is lost, doubled or out of order. */
static void test_stop_and_go(void **state)
{
    static char body[40000];
    struct fixture *fixture = *state;
    struct record record;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i % 251);
    struct span all = span_make(body, sizeof(body));
    const struct script_step steps[] = {SCRIPT_REQUEST,
                                        SCRIPT_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                                    "chunked\r\n\r\n9c40\r\n"),
                                        SCRIPT_BYTES(all, 1999), SCRIPT_SEND("\r\n0\r\n\r\n")};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    record.head_hook = pause_self;
    record.body_hook = pause_self;
    start_small(&record);
    int resumed = 0;
    while (record.dones == 0) {
        int bodies = record.bodies;
        turn_for(fixture, 5);
        assert_in_range(record.bodies, bodies, bodies + 1);
        if (record.attempt != NULL && ++resumed < 10000)
            attempt_resume(record.attempt);
    }
    assert_int_equal(record.err, ERR_NONE);
    assert_int_equal(buf_len(&record.body), sizeof(body));
    assert_memory_equal(buf_span(&record.body).ptr, body, sizeof(body));
    record_fini(&record);
}

/* Paused before anything came: the head still comes, the body does not. */
static void test_paused_from_the_start(void **state)
{
    static const struct script_step steps[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")};
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    start_small(&record);
    attempt_pause(record.attempt);
    attempt_pause(record.attempt);
    TURN_UNTIL(fixture, record.heads == 1);
    turn_for(fixture, 50);
    assert_int_equal(record.bodies + record.dones, 0);
    assert_asleep(fixture);
    attempt_resume(record.attempt);
    attempt_resume(record.attempt);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "hello");
    record_fini(&record);
}

static void pause_and_resume(struct record *record)
{
    attempt_pause(record->attempt);
    attempt_resume(record->attempt);
}

static void test_pause_and_resume_in_a_callback(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    record_init(&record, fixture);
    record.head_hook = pause_and_resume;
    record.body_hook = pause_and_resume;
    run_small(&record);
    assert_int_equal(record.err, ERR_NONE);
    assert_int_equal(buf_len(&record.body), FLOOD);
    record_fini(&record);
}

/* Resumed, and paused again before the drive has come round. */
static void test_resume_and_pause_in_one_turn(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    record_init(&record, fixture);
    record.body_hook = pause_self;
    start_small(&record);
    TURN_UNTIL(fixture, record.bodies == 1);
    wait_until_stuck(fixture);
    attempt_resume(record.attempt);
    attempt_pause(record.attempt);
    turn_for(fixture, 50);
    assert_int_equal(record.bodies, 1);
    record.body_hook = NULL;
    attempt_resume(record.attempt);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_int_equal(buf_len(&record.body), FLOOD);
    record_fini(&record);
}

static void cancel_self(struct record *record)
{
    attempt_cancel(&record->attempt, NULL);
}

/* Cancelled while paused, and by what a resume brings. */
static void test_cancel(void **state)
{
    struct fixture *fixture = *state;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, flood);
    for (size_t i = 0; i < 3; i++) {
        struct record record;
        record_init(&record, fixture);
        record.body_hook = pause_self;
        start_small(&record);
        TURN_UNTIL(fixture, record.bodies == 1);
        turn_for(fixture, 50);
        record.body_hook = cancel_self;
        if (i > 0)
            attempt_resume(record.attempt);
        if (i < 2)
            attempt_cancel(&record.attempt, NULL);
        TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, i).peer_closed);
        assert_int_equal(record.bodies, i < 2 ? 1 : 2);
        assert_int_equal(record.dones, 0);
        assert_null(record.attempt);
        record_fini(&record);
    }
}

/* The end of an answer whose bytes were all handed up needs no reader. */
static void test_end_while_paused(void **state)
{
    static const struct script_step steps[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"),
        SCRIPT_HOLD, SCRIPT_SEND("0\r\n\r\n")};
    struct fixture *fixture = *state;
    struct record record;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    record.body_hook = pause_self;
    start_small(&record);
    TURN_UNTIL(fixture, record.bodies == 1);
    scripted_upstream_release(fixture->upstream);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "hi");
    record_fini(&record);
}

int test_pause(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paused_attempt_sleeps),
        TEST(test_stop_and_go),
        TEST(test_paused_from_the_start),
        TEST(test_pause_and_resume_in_a_callback),
        TEST(test_resume_and_pause_in_one_turn),
        TEST(test_cancel),
        TEST(test_end_while_paused),
    };
    return GROUP("pause", tests);
}
