/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, and dates against the C library's over the years that it and we know. */
#include "base/clock.h"

#include "helpers.h"

#include <stdio.h>
#include <time.h>

static void monotonic_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_monotonic_ns();
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void wall_is_the_time_of_day(void **state)
{
    (void)state;
    /* time() may lag by a tick of the kernel. */
    int64_t before = (int64_t)time(NULL) - 1;
    int64_t now = clock_wall_ns() / NS_PER_S;
    assert_true(now >= before);
    assert_true(now <= (int64_t)time(NULL) + 1);
}

static void known_days(void **state)
{
    (void)state;
    assert_int_equal(civil_to_days((struct civil){1970, 1, 1}), 0);
    assert_int_equal(civil_to_days((struct civil){1969, 12, 31}), -1);
    assert_int_equal(civil_to_days((struct civil){2000, 3, 1}), 11017);
    assert_int_equal(civil_to_days((struct civil){0, 3, 1}), -719468);
    assert_int_equal(civil_to_days((struct civil){-400, 3, 1}), -719468 - 146097);
}

/* Every day of nine centuries, leap centuries and others among them. */
static void days_match_timegm(void **state)
{
    (void)state;
    struct tm first = {.tm_year = 1600 - 1900, .tm_mday = 1};
    int64_t day = (int64_t)timegm(&first) / 86400;
    for (; day < 200000; day++) {
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        struct civil date = civil_from_days(day);
        if (date.year != tm.tm_year + 1900 || date.month != tm.tm_mon + 1 ||
            date.day != tm.tm_mday || civil_to_days(date) != day)
            fail_msg("day %lld is %d-%d-%d", (long long)day, date.year, date.month, date.day);
    }
}

static void days_round_trip_far_away(void **state)
{
    (void)state;
    struct civil last = civil_from_days(-2000001);
    for (int64_t day = -2000000; day < 2000000; day++) {
        struct civil date = civil_from_days(day);
        bool next_day =
            date.year == last.year && date.month == last.month && date.day == last.day + 1;
        bool first_day = date.day == 1 && last.day >= 28;
        if (civil_to_days(date) != day || !(next_day || first_day))
            fail_msg("day %lld", (long long)day);
        last = date;
    }
}

static void assert_time(int64_t wall_ns, const char *expected)
{
    char text[CLOCK_RFC3339_SIZE];
    assert_ptr_equal(clock_rfc3339(wall_ns, text), text);
    assert_string_equal(text, expected);
}

static void known_times(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(999999, "1970-01-01T00:00:00.000Z");
    assert_time(-1, "1969-12-31T23:59:59.999Z");
    assert_time(1795532820123 * NS_PER_MS, "2026-11-24T15:07:00.123Z");
    assert_time(INT64_MAX, "2262-04-11T23:47:16.854Z");
    assert_time(INT64_MIN, "1677-09-21T00:12:43.145Z");
}

static void times_match_gmtime(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int i = 0; i < 20000; i++) {
        int64_t ns = (int64_t)(next_random(&random) >> 1); /* after 1970 */
        time_t t = (time_t)(ns / NS_PER_S);
        struct tm tm;
        gmtime_r(&t, &tm);
        char seconds[32];
        char expected[48];
        strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected, sizeof(expected), "%s.%03dZ", seconds, (int)(ns % NS_PER_S / NS_PER_MS));
        assert_time(ns, expected);
    }
}

static void http_dates_match_gmtime(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 20000; i++) {
        int64_t ns = (int64_t)next_random(&random);
        /* Rounded down, where the division rounds towards zero. */
        time_t t = (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
        struct tm tm;
        gmtime_r(&t, &tm);
        char expected[40];
        char text[CLOCK_HTTP_DATE_SIZE];
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_ptr_equal(clock_http_date(ns, text), text);
        assert_string_equal(text, expected);
    }
}

int test_clock(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(wall_is_the_time_of_day),
        cmocka_unit_test(known_days),
        cmocka_unit_test(days_match_timegm),
        cmocka_unit_test(days_round_trip_far_away),
        cmocka_unit_test(known_times),
        cmocka_unit_test(times_match_gmtime),
        cmocka_unit_test(http_dates_match_gmtime),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
