/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The three deadlines: first byte, idle, total; each is kept to the next 50 ms, and some slack. */
#include "fixture.h"

enum { SLACK_MS = 400 };

#define HEAD_OF_10 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

static void check_timeout(struct fixture *fixture, const struct attempt_spec *spec,
                          int64_t expected_ms, int status, const char *reason)
{
    struct record record;
    size_t connection = scripted_upstream_connections(fixture->upstream);
    record_init(&record, fixture);
    int64_t start_ms = now_ms();
    start(&record, spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_in_range(now_ms() - start_ms, expected_ms - 5, expected_ms + SLACK_MS);
    assert_failed_as(&record, ERR_UPSTREAM_TIMEOUT, true);
    assert_int_equal(record.facts.status, status);
    assert_string_equal(record.facts.reason, reason);
    TURN_UNTIL(fixture, scripted_upstream_connection(fixture->upstream, connection).peer_closed);
    record_fini(&record);
}

static void test_first_byte(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    static const struct script_step interim[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200"), SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.first_byte_timeout_ms = 150;
    spec.idle_timeout_ms = 10;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
    check_timeout(fixture, &spec, 150, 0, "no answer came");
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, interim);
    check_timeout(fixture, &spec, 150, 0, "no answer came");
}

static void test_idle(void **state)
{
    static const struct script_step head_only[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10),
                                                   SCRIPT_HOLD};
    static const struct script_step part[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "12345"),
                                              SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.idle_timeout_ms = 150;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, head_only);
    check_timeout(fixture, &spec, 150, 200, "the answer stopped");
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, part);
    check_timeout(fixture, &spec, 150, 200, "the answer stopped");
}

static void test_total(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    static const struct script_step part[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "12345"),
                                              SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.total_timeout_ms = 150;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
    check_timeout(fixture, &spec, 150, 0, "the answer took too long");
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, part);
    check_timeout(fixture, &spec, 150, 200, "the answer took too long");
}

/* Bytes keep an attempt alive however long it takes; 0 is no limit. */
static void test_progress_is_not_idle(void **state)
{
    static const struct script_step steps[] = {
        SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10), SCRIPT_HOLD, SCRIPT_SEND("1"),
        SCRIPT_HOLD,    SCRIPT_SEND("2"),        SCRIPT_HOLD, SCRIPT_SEND("34567890")};
    struct fixture *fixture = *state;
    struct record record;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.first_byte_timeout_ms = spec.total_timeout_ms = 0;
    spec.idle_timeout_ms = 300;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    start(&record, &spec);
    for (int i = 0; i < 3; i++) {
        TURN_UNTIL(fixture, scripted_upstream_holding(fixture->upstream) == 1);
        turn_for(fixture, 150);
        scripted_upstream_release(fixture->upstream);
    }
    TURN_UNTIL(fixture, record.dones == 1);
    assert_whole(&record, 200, "1234567890");
    record_fini(&record);
}

static void pause_self(struct record *record)
{
    attempt_pause(record->attempt);
}

/* Idle time stands still in a pause, and goes on after it. */
static void test_paused_is_not_idle(void **state)
{
    static const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "12345"),
                                               SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct record record;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.idle_timeout_ms = 150;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    record.body_hook = pause_self;
    start(&record, &spec);
    turn_for(fixture, 400);
    assert_int_equal(record.bodies, 1);
    assert_int_equal(record.dones, 0);
    int64_t start_ms = now_ms();
    attempt_resume(record.attempt);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_TIMEOUT, true);
    assert_in_range(now_ms() - start_ms, 50, 150 + SLACK_MS);
    record_fini(&record);
}

/* But the total does not. */
static void test_total_runs_in_a_pause(void **state)
{
    static const struct script_step steps[] = {SCRIPT_REQUEST, SCRIPT_SEND(HEAD_OF_10 "12345"),
                                               SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct record record;
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.total_timeout_ms = 150;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, steps);
    record_init(&record, fixture);
    record.body_hook = pause_self;
    start(&record, &spec);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_TIMEOUT, true);
    record_fini(&record);
}

static void cancel_other(struct record *record)
{
    if (record->other->attempt != NULL)
        attempt_cancel(&record->other->attempt, NULL);
}

/* Both are late in the same moment, and the first one's end cancels the second. */
static void test_late_together(void **state)
{
    static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
    struct fixture *fixture = *state;
    struct record records[2];
    struct attempt_spec spec = spec_of(fixture, SPAN("{}"));
    spec.total_timeout_ms = 100;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, silent);
    for (int i = 0; i < 2; i++) {
        record_init(&records[i], fixture);
        records[i].other = &records[1 - i];
        records[i].done_hook = cancel_other;
        start(&records[i], &spec);
    }
    TURN_UNTIL(fixture, records[0].dones + records[1].dones == 1);
    turn_for(fixture, 100);
    assert_int_equal(records[0].dones + records[1].dones, 1);
    assert_int_equal(upstream_client_active(fixture->client), 0);
    record_fini(&records[0]);
    record_fini(&records[1]);
}

int test_timeout(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_byte),
        TEST(test_idle),
        TEST(test_total),
        TEST(test_progress_is_not_idle),
        TEST(test_paused_is_not_idle),
        TEST(test_total_runs_in_a_pause),
        TEST(test_late_together),
    };
    return GROUP("timeout", tests);
}
