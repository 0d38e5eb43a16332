/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: boundaries to the nanosecond, zones, leap years, times before 1970 and the ends of what 64
 * bits can say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/window.h"
#include "policy_support.h"

#include <stdio.h>

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)

static void expect_window(enum window_kind kind, int64_t wall_ns, int64_t id, int64_t end_ns)
{
    struct window_rule rule = {.kind = kind};
    assert_int_equal(window_at(&rule, wall_ns), id);
    assert_int_equal(window_end(&rule, id), end_ns);
}

static void test_short(void **state)
{
    (void)state;
    expect_window(WINDOW_MINUTE, 0, 0, MINUTE_NS);
    expect_window(WINDOW_MINUTE, MINUTE_NS - 1, 0, MINUTE_NS);
    expect_window(WINDOW_MINUTE, -1, -1, 0);
    expect_window(WINDOW_HOUR, HOUR_NS, 1, 2 * HOUR_NS);
    expect_window(WINDOW_HOUR, HOUR_NS - 1, 0, HOUR_NS);
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

static void test_weeks(void **state)
{
    (void)state;
    expect_window(WINDOW_WEEK, wall_of(1970, 1, 1), 0, wall_of(1970, 1, 5));
    expect_window(WINDOW_WEEK, wall_of(1969, 12, 29), 0, wall_of(1970, 1, 5));
    expect_window(WINDOW_WEEK, wall_of(1969, 12, 29) - 1, -1, wall_of(1969, 12, 29));
    expect_window(WINDOW_WEEK, wall_of(2026, 11, 23) - 1, 2968,
                  wall_of(2026, 11, 23)); /* a Monday */
    expect_window(WINDOW_WEEK, wall_of(2026, 11, 23), 2969, wall_of(2026, 11, 30));
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
    struct window_rule rule = {.kind = WINDOW_MONTH};
    int64_t wall = wall_of(1950, 1, 1);
    for (int64_t id = -20 * 12; id < 200 * 12; id++) {
        int64_t end = window_end(&rule, id);
        assert_int_equal(window_at(&rule, wall), id);
        assert_true(end - wall >= 28 * DAY_NS && end - wall <= 31 * DAY_NS);
        assert_int_equal(window_at(&rule, end - 1), id);
        wall = end;
    }
}

static void test_rolling(void **state)
{
    (void)state;
    struct window_rule rule = {.kind = WINDOW_ROLLING, .period_ns = 24 * HOUR_NS};
    int64_t slot = 24 * MINUTE_NS;
    assert_int_equal(window_at(&rule, 0), 0);
    assert_int_equal(window_at(&rule, slot - 1), 0);
    assert_int_equal(window_at(&rule, slot), 1);
    assert_int_equal(window_at(&rule, -1), -1);
    /* What came last in a slot counts for the whole period. */
    assert_int_equal(window_end(&rule, 0), 61 * slot);
    assert_true(window_end(&rule, 0) - (slot - 1) >= rule.period_ns);
    assert_int_equal(window_span(WINDOW_ROLLING), 61);
    assert_int_equal(window_span(WINDOW_DAY), 1);
    /* A period that 60 does not divide is rounded up. */
    rule.period_ns = NS_PER_S + 1;
    assert_int_equal(window_at(&rule, 16666666), 0);
    assert_int_equal(window_at(&rule, 16666667), 1);
}

/* Each moment of two years: numbers rise by one at a time, and each window ends where the next begins. */
static void walk_zone(const char *zone, enum window_kind kind, int64_t step_ns)
{
    const char *why;
    struct timezone_rules *rules = timezone_open(zone, &why);
    if (rules == NULL) {
        print_message("no zone %s here: %s\n", zone, why);
        return;
    }
    struct window_rule rule = {.kind = kind, .zone = rules};
    int64_t begin = wall_of(2025, 1, 1);
    int64_t last = window_at(&rule, begin);
    for (int64_t wall = begin; wall < begin + 730 * DAY_NS; wall += step_ns) {
        int64_t id = window_at(&rule, wall);
        int64_t end = window_end(&rule, id);
        assert_true(id == last || id == last + 1);
        assert_true(end > wall);
        assert_int_equal(window_at(&rule, end), id + 1);
        assert_true(window_at(&rule, end - 1) == id);
        last = id;
    }
    timezone_close(&rules);
}

static void test_zones(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC",          "Europe/Berlin",       "America/New_York",
                                        "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        walk_zone(zones[i], WINDOW_DAY, 7 * MINUTE_NS);
        walk_zone(zones[i], WINDOW_WEEK, 30 * MINUTE_NS);
        walk_zone(zones[i], WINDOW_MONTH, 30 * MINUTE_NS);
    }
    /* Lord Howe moves by half an hour: there an hour may be half of one. */
    for (size_t i = 0; i < 4; i++)
        walk_zone(zones[i], WINDOW_HOUR, 7 * MINUTE_NS);
}

/* Days of 23 and of 25 hours; the hour that comes twice is two windows. */
static void test_summer_time(void **state)
{
    (void)state;
    const char *why;
    struct timezone_rules *berlin = timezone_open("Europe/Berlin", &why);
    if (berlin == NULL)
        skip();
    struct window_rule day = {.kind = WINDOW_DAY, .zone = berlin};
    struct window_rule hour = {.kind = WINDOW_HOUR, .zone = berlin};
    int64_t spring = window_at(&day, wall_of(2026, 3, 29)); /* 01:00 there */
    assert_int_equal(window_end(&day, spring) - window_end(&day, spring - 1), 23 * HOUR_NS);
    assert_int_equal(window_end(&day, spring), wall_of(2026, 3, 29) + 22 * HOUR_NS);
    int64_t autumn = window_at(&day, wall_of(2026, 10, 25));
    assert_int_equal(window_end(&day, autumn) - window_end(&day, autumn - 1), 25 * HOUR_NS);
    int64_t twice = wall_of(2026, 10, 25) + 30 * MINUTE_NS; /* 02:30 in summer */
    assert_int_equal(window_at(&hour, twice + HOUR_NS), window_at(&hour, twice) + 1);
    timezone_close(&berlin);
}

static void test_total_and_the_ends_of_time(void **state)
{
    (void)state;
    struct window_rule day = {.kind = WINDOW_DAY}, month = {.kind = WINDOW_MONTH};
    expect_window(WINDOW_TOTAL, 0, 0, 0);
    expect_window(WINDOW_TOTAL, INT64_MAX, 0, 0);
    assert_int_equal(window_end(&day, window_at(&day, INT64_MAX)), INT64_MAX);
    assert_int_equal(window_end(&month, window_at(&month, INT64_MAX)), INT64_MAX);
    int64_t first = window_at(&day, INT64_MIN);
    assert_true(first < 0);
    assert_true(window_end(&day, first) < INT64_MIN + DAY_NS);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        struct window_rule rule;
        const char *text;
        int64_t length_ns;
    } table[] = {
        {{.kind = WINDOW_MINUTE}, "minute", MINUTE_NS},
        {{.kind = WINDOW_HOUR}, "hour", HOUR_NS},
        {{.kind = WINDOW_DAY}, "day", DAY_NS},
        {{.kind = WINDOW_WEEK}, "week", 7 * DAY_NS},
        {{.kind = WINDOW_MONTH}, "month", 30 * DAY_NS},
        {{.kind = WINDOW_TOTAL}, "total", 0},
        {{.kind = WINDOW_ROLLING, .period_ns = 24 * HOUR_NS}, "24h", 24 * HOUR_NS},
        {{.kind = WINDOW_ROLLING, .period_ns = 30 * DAY_NS}, "30d", 30 * DAY_NS},
        {{.kind = WINDOW_ROLLING, .period_ns = 90 * MINUTE_NS}, "90m", 90 * MINUTE_NS},
        {{.kind = WINDOW_ROLLING, .period_ns = 45 * NS_PER_S}, "45s", 45 * NS_PER_S},
        {{.kind = WINDOW_ROLLING, .period_ns = 1500 * NS_PER_MS}, "1500ms", 1500 * NS_PER_MS},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[WINDOW_TEXT_SIZE];
        struct window_rule back;
        assert_string_equal(window_text(&table[i].rule, text), table[i].text);
        assert_int_equal(window_length_ns(&table[i].rule), table[i].length_ns);
        assert_true(window_parse(span_from_string(text), &back));
        assert_int_equal(back.kind, table[i].rule.kind);
        assert_int_equal(back.period_ns, table[i].rule.period_ns);
    }
    static const char *const bad[] = {
        "", "h", "24", "24x", "0s", "1ns", "-1h", "rolling", "9223372036854775807d"};
    struct window_rule none;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(window_parse(span_from_string(bad[i]), &none));
}

int test_window(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_weeks),
        cmocka_unit_test(test_months),
        cmocka_unit_test(test_every_month_follows_the_one_before),
        cmocka_unit_test(test_rolling),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_summer_time),
        cmocka_unit_test(test_total_and_the_ends_of_time),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("policy/window", tests, NULL, NULL);
}
