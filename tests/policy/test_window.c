/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar windows: boundaries to the nanosecond, leap years, times before 1970 and the ends of
 * what 64 bits can say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

static void expect_window(enum window_kind kind, int64_t wall_ns, int64_t id, int64_t end_ns)
{
    int64_t end = -1;
    assert_int_equal(window_at(kind, wall_ns, &end), id);
    assert_int_equal(end, end_ns);
    assert_int_equal(window_at(kind, wall_ns, NULL), id);
}

static void test_days(void **state)
{
    (void)state;
    expect_window(WINDOW_DAY, 0, 0, DAY_NS);
    expect_window(WINDOW_DAY, DAY_NS - 1, 0, DAY_NS);
    expect_window(WINDOW_DAY, DAY_NS, 1, 2 * DAY_NS);
    expect_window(WINDOW_DAY, -1, -1, 0);
    expect_window(WINDOW_DAY, -DAY_NS, -1, 0);
    expect_window(WINDOW_DAY, wall_of(2026, 11, 24) + 5, 20781, wall_of(2026, 11, 25));
}

static void test_months(void **state)
{
    (void)state;
    expect_window(WINDOW_MONTH, 0, 0, wall_of(1970, 2, 1));
    expect_window(WINDOW_MONTH, wall_of(2026, 2, 1) - 1, 56 * 12, wall_of(2026, 2, 1));
    expect_window(WINDOW_MONTH, wall_of(2026, 2, 1), 56 * 12 + 1, wall_of(2026, 3, 1));
    expect_window(WINDOW_MONTH, wall_of(2028, 2, 29) + DAY_NS - 1, 58 * 12 + 1,
                  wall_of(2028, 3, 1));
    expect_window(WINDOW_MONTH, wall_of(2026, 12, 31), 56 * 12 + 11, wall_of(2027, 1, 1));
    expect_window(WINDOW_MONTH, wall_of(1969, 12, 31), -1, 0);
    expect_window(WINDOW_MONTH, wall_of(1969, 1, 1), -12, wall_of(1969, 2, 1));
    expect_window(WINDOW_MONTH, wall_of(1968, 12, 5), -13, wall_of(1969, 1, 1));
}

static void test_every_month_follows_the_one_before(void **state)
{
    (void)state;
    int64_t wall = wall_of(1950, 1, 1);
    for (int64_t id = -20 * 12; id < 200 * 12; id++) {
        int64_t end;
        assert_int_equal(window_at(WINDOW_MONTH, wall, &end), id);
        assert_true(end - wall >= 28 * DAY_NS && end - wall <= 31 * DAY_NS);
        assert_int_equal(window_at(WINDOW_MONTH, end - 1, NULL), id);
        wall = end;
    }
}

static void test_total_and_the_ends_of_time(void **state)
{
    (void)state;
    int64_t end;
    expect_window(WINDOW_TOTAL, 0, 0, 0);
    expect_window(WINDOW_TOTAL, INT64_MAX, 0, 0);
    window_at(WINDOW_DAY, INT64_MAX, &end);
    assert_int_equal(end, INT64_MAX);
    window_at(WINDOW_MONTH, INT64_MAX, &end);
    assert_int_equal(end, INT64_MAX);
    assert_true(window_at(WINDOW_DAY, INT64_MIN, &end) < 0);
    assert_true(end < INT64_MIN + DAY_NS);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(window_kind_name(WINDOW_DAY), "day");
    assert_string_equal(window_kind_name(WINDOW_MONTH), "month");
    assert_string_equal(window_kind_name(WINDOW_TOTAL), "total");
}

int test_window(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_months),
        cmocka_unit_test(test_every_month_follows_the_one_before),
        cmocka_unit_test(test_total_and_the_ends_of_time),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("policy/window", tests, NULL, NULL);
}
