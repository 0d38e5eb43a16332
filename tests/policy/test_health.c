/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The breaker of a target, arrow by arrow, with a clock that the test turns. */
#include "policy/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND 1000000000LL
#define START  (5 * SECOND)

static void fail_often(struct health_cell *cell, int times, int64_t now)
{
    for (int i = 0; i < times; i++)
        health_report(cell, HEALTH_BAD, now);
}

static void failures_in_a_row_open_it(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    fail_often(cell, HEALTH_FAILURES - 1, START);
    assert_true(health_permit(cell, START));
    health_report(cell, HEALTH_GOOD, START); /* the row is broken */
    fail_often(cell, HEALTH_FAILURES - 1, START);
    assert_int_equal(health_look(cell, START), HEALTH_CLOSED);
    health_report(cell, HEALTH_NEITHER, START); /* says nothing either way */
    health_report(cell, HEALTH_BAD, START);
    assert_int_equal(health_look(cell, START), HEALTH_OPEN);
    assert_false(health_permit(cell, START + SECOND - 1));
    health_cell_unref(&cell);
    assert_null(cell);
}

static void one_probe_at_a_time(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    fail_often(cell, HEALTH_FAILURES, START);
    int64_t now = START + SECOND;
    assert_int_equal(health_look(cell, now), HEALTH_HALF_OPEN);
    assert_true(health_permit(cell, now));
    assert_false(health_permit(cell, now));
    health_report(cell, HEALTH_GOOD, now);
    assert_int_equal(health_look(cell, now), HEALTH_CLOSED);
    assert_true(health_permit(cell, now));
    assert_true(health_permit(cell, now));
    health_cell_unref(&cell);
}

static void a_probe_that_fails_doubles_the_rest(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    fail_often(cell, HEALTH_FAILURES, START);
    int64_t now = START;
    for (int64_t rest = HEALTH_REST_FIRST_NS; rest < HEALTH_REST_MOST_NS; rest *= 2) {
        assert_false(health_permit(cell, now + rest - 1));
        now += rest;
        assert_true(health_permit(cell, now));
        health_report(cell, HEALTH_BAD, now);
    }
    assert_false(health_permit(cell, now + HEALTH_REST_MOST_NS - 1));
    assert_true(health_permit(cell, now + HEALTH_REST_MOST_NS));
    health_cell_unref(&cell);
}

static void late_answers_do_not_end_a_rest(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    fail_often(cell, HEALTH_FAILURES, START);
    health_report(cell, HEALTH_GOOD, START + 1);
    health_report(cell, HEALTH_BAD, START + 1);
    assert_int_equal(health_look(cell, START + 1), HEALTH_OPEN);
    assert_int_equal(health_look(cell, START + SECOND), HEALTH_HALF_OPEN); /* nor prolong it */
    health_cell_unref(&cell);
}

static void a_probe_without_a_verdict_lets_another_try(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    fail_often(cell, HEALTH_FAILURES, START);
    int64_t now = START + SECOND;
    assert_true(health_permit(cell, now));
    health_report(cell, HEALTH_NEITHER, now);
    assert_true(health_permit(cell, now));
    /* One that is never reported is forgotten after a minute. */
    assert_false(health_permit(cell, now + 59 * SECOND));
    assert_true(health_permit(cell, now + 60 * SECOND));
    health_cell_unref(&cell);
}

static void it_rests_when_it_asks_to(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    health_rest(cell, 0, START);
    health_rest(cell, -1, START);
    assert_int_equal(health_left_ns(cell, START), 0);
    assert_int_equal(health_look(cell, START), HEALTH_CLOSED);
    health_rest(cell, 7 * SECOND, START);
    health_rest(cell, 2 * SECOND, START); /* a shorter wish does not shorten it */
    assert_int_equal(health_left_ns(cell, START + SECOND), 6 * SECOND);
    assert_int_equal(health_left_ns(cell, START + 7 * SECOND), 0);
    assert_false(health_permit(cell, START + 7 * SECOND - 1));
    assert_true(health_permit(cell, START + 7 * SECOND));
    health_report(cell, HEALTH_GOOD, START + 7 * SECOND);
    assert_int_equal(health_look(cell, START + 7 * SECOND), HEALTH_CLOSED);
    health_rest(cell, 3600 * SECOND, START);
    assert_int_equal(health_look(cell, START + HEALTH_REST_MOST_NS), HEALTH_HALF_OPEN);
    health_cell_unref(&cell);
}

int test_health(void);
int test_health(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_open_it),
        cmocka_unit_test(one_probe_at_a_time),
        cmocka_unit_test(a_probe_that_fails_doubles_the_rest),
        cmocka_unit_test(late_answers_do_not_end_a_rest),
        cmocka_unit_test(a_probe_without_a_verdict_lets_another_try),
        cmocka_unit_test(it_rests_when_it_asks_to),
    };
    return cmocka_run_group_tests_name("policy/health", tests, NULL, NULL);
}
