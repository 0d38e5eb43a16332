/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Rates against an oracle that remembers every request, and gauges, alone and by many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/limit.h"
#include "policy_support.h"

#include <pthread.h>

#define MINUTE (60 * NS_PER_S)

static void expect(const struct rate_view *view, int64_t limit, int64_t remaining, int64_t reset_ns,
                   int64_t retry_ns)
{
    assert_int_equal(view->limit, limit);
    assert_int_equal(view->remaining, remaining);
    assert_int_equal(view->reset_ns, reset_ns);
    assert_int_equal(view->retry_ns, retry_ns);
}

static void test_burst_and_refill(void **state)
{
    (void)state;
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    int64_t now = 1000 * NS_PER_S;
    rate_cell_set(cell, 6);
    rate_look(cell, now, &view);
    expect(&view, 6, 6, 0, 0);
    for (int64_t i = 1; i <= 6; i++) {
        assert_true(rate_take(cell, now, &view));
        expect(&view, 6, 6 - i, i * 10 * NS_PER_S, i < 6 ? 0 : 10 * NS_PER_S);
    }
    assert_false(rate_take(cell, now, &view));
    expect(&view, 6, 0, MINUTE, 10 * NS_PER_S);
    now += 10 * NS_PER_S - 1;
    assert_false(rate_take(cell, now, &view));
    expect(&view, 6, 0, 50 * NS_PER_S + 1, 1);
    assert_true(rate_take(cell, now + 1, &view));
    expect(&view, 6, 0, MINUTE, 10 * NS_PER_S);
    rate_look(cell, now + 1 + MINUTE, &view);
    expect(&view, 6, 6, 0, 0);
    rate_cell_unref(&cell);
    assert_null(cell);
    rate_cell_unref(&cell);
}

static void test_give_back(void **state)
{
    (void)state;
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    rate_cell_set(cell, 7);
    for (int i = 0; i < 7; i++)
        assert_true(rate_take(cell, 500, &view));
    rate_give_back(cell);
    rate_look(cell, 500, &view);
    assert_int_equal(view.remaining, 1);
    assert_true(rate_take(cell, 500, &view));
    assert_false(rate_take(cell, 500, &view));
    rate_cell_unref(&cell);
}

/* 6,000 tokens a minute: ten milliseconds each. */
static void test_many_at_once(void **state)
{
    (void)state;
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    int64_t now = 1000 * NS_PER_S;
    rate_cell_set(cell, 6000);
    assert_true(rate_take_many(cell, 4000, now, &view));
    expect(&view, 6000, 2000, 40 * NS_PER_S, 0);
    assert_false(rate_take_many(cell, 2001, now, &view));
    expect(&view, 6000, 2000, 40 * NS_PER_S, 10 * NS_PER_MS);
    assert_true(rate_take_many(cell, 2000, now, &view));
    rate_correct(cell, 2000, 500); /* it came to less */
    rate_look(cell, now, &view);
    expect(&view, 6000, 1500, 45 * NS_PER_S, 0);
    rate_correct(cell, 4000, 7000); /* it came to more: into the time to come */
    rate_look(cell, now, &view);
    expect(&view, 6000, 0, 75 * NS_PER_S, 15 * NS_PER_S + 10 * NS_PER_MS);
    assert_true(rate_take_many(cell, 0, now + 15 * NS_PER_S, &view));
    rate_cell_unref(&cell);
}

/* More than a minute's worth waits for a free line, and then is let in as a whole minute's. */
static void test_more_than_the_limit(void **state)
{
    (void)state;
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    int64_t now = 1000 * NS_PER_S;
    rate_cell_set(cell, 600);
    assert_true(rate_take_many(cell, 1, now, &view));
    assert_false(rate_take_many(cell, INT64_MAX, now, &view));
    assert_int_equal(view.retry_ns, 100 * NS_PER_MS);
    now += view.retry_ns;
    assert_true(rate_take_many(cell, INT64_MAX, now, &view));
    expect(&view, 600, 0, MINUTE, 100 * NS_PER_MS);
    rate_correct(cell, INT64_MAX, 900); /* used a minute and a half */
    rate_look(cell, now, &view);
    assert_int_equal(view.reset_ns, MINUTE + 30 * NS_PER_S);
    rate_correct(cell, 0, INT64_MAX); /* nonsense closes the line for an hour, not for ever */
    rate_look(cell, now, &view);
    assert_int_equal(view.reset_ns, 61 * MINUTE + 30 * NS_PER_S);
    rate_cell_set(cell, 0);
    rate_correct(cell, 0, 5); /* no limit: nothing to do */
    assert_true(rate_take_many(cell, 5, now, &view));
    rate_cell_unref(&cell);
}

static void test_no_limit_and_new_limits(void **state)
{
    (void)state;
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    assert_true(rate_take(cell, 5, &view));
    expect(&view, 0, 0, 0, 0);
    rate_give_back(cell);
    rate_look(cell, 5, &view);
    expect(&view, 0, 0, 0, 0);
    /* What was taken stays taken under a new rate, as time. */
    rate_cell_set(cell, 60);
    for (int i = 0; i < 30; i++)
        assert_true(rate_take(cell, 0, &view));
    rate_cell_set(cell, 6);
    rate_look(cell, 0, &view);
    expect(&view, 6, 3, 30 * NS_PER_S, 0);
    rate_cell_set(cell, INT64_MAX);
    rate_look(cell, MINUTE, &view);
    expect(&view, RATE_MOST_PER_MINUTE, RATE_MOST_PER_MINUTE, 0, 0);
    assert_true(rate_take(cell, MINUTE, &view));
    expect(&view, RATE_MOST_PER_MINUTE, RATE_MOST_PER_MINUTE - 1, 1, 0);
    rate_cell_unref(&cell);
}

/* A leaky bucket in fractions of 1/limit nanosecond: exact, where the cell rounds T up. */
static void run_oracle(int64_t per_minute, uint64_t seed)
{
    struct rate_cell *cell = rate_cell_new();
    struct rate_view view;
    uint64_t random = seed;
    int64_t now = 0;
    __int128 level = 0; /* water, of per_minute × MINUTE that fit; one request is MINUTE */
    int64_t spacing = (MINUTE + per_minute - 1) / per_minute;
    rate_cell_set(cell, per_minute);
    for (int i = 0; i < 4000; i++) {
        int64_t step = random_one_in(&random, 40) ? random_upto(&random, MINUTE)
                                                  : random_upto(&random, 2 * spacing);
        now += step;
        level -= (__int128)step * per_minute;
        level = level > 0 ? level : 0;
        bool fits = level + MINUTE <= (__int128)per_minute * MINUTE;
        bool took = rate_take(cell, now, &view);
        /* Rounding T up makes the cell stricter, by less than a nanosecond a request. */
        if (took && !fits)
            fail_msg("seed %llu rate %lld request %d: too many", (unsigned long long)seed,
                     (long long)per_minute, i);
        if (!took && fits && MINUTE % per_minute == 0)
            fail_msg("seed %llu rate %lld request %d: too few", (unsigned long long)seed,
                     (long long)per_minute, i);
        if (took)
            level += MINUTE;
        assert_int_equal(view.retry_ns > 0, view.remaining == 0);
        if (view.retry_ns > 0) {
            struct rate_view later;
            rate_look(cell, now + view.retry_ns - 1, &later);
            assert_int_equal(later.remaining, 0);
            rate_look(cell, now + view.retry_ns, &later);
            assert_int_equal(later.remaining, 1);
        }
        rate_look(cell, now + view.reset_ns, &view);
        assert_int_equal(view.remaining, per_minute);
    }
    rate_cell_unref(&cell);
}

static void test_against_oracle(void **state)
{
    (void)state;
    static const int64_t rates[] = {1, 2, 3, 6, 7, 60, 61, 600, 1000, 6000, 99991};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        run_oracle(rates[i], 1 + i);
}

static void test_gauge(void **state)
{
    (void)state;
    struct gauge_cell *cell = gauge_cell_new();
    assert_true(gauge_enter(cell)); /* no limit yet, but counted */
    gauge_cell_set(cell, 2);
    assert_true(gauge_enter(cell));
    assert_false(gauge_enter(cell));
    gauge_cell_set(cell, 1);
    gauge_leave(cell);
    assert_false(gauge_enter(cell));
    gauge_leave(cell);
    assert_true(gauge_enter(cell));
    gauge_leave(cell);
    gauge_cell_unref(&cell);
    assert_null(cell);
    gauge_cell_unref(&cell);
}

/* ---- many threads ---- */

#define THREADS 8
#define TRIES   20000

struct crowd {
    struct rate_cell *rate;
    struct gauge_cell *gauge;
    _Atomic int64_t taken;
    _Atomic int64_t inside;
    atomic_bool crowded;
};

static void *jostle(void *argument)
{
    struct crowd *crowd = argument;
    struct rate_view view;
    for (int i = 0; i < TRIES; i++) {
        if (rate_take(crowd->rate, 0, &view)) {
            if (i % 16 == 0)
                rate_give_back(crowd->rate);
            else
                crowd->taken++;
        }
        if (gauge_enter(crowd->gauge)) {
            if (atomic_fetch_add(&crowd->inside, 1) >= 3)
                crowd->crowded = true;
            atomic_fetch_sub(&crowd->inside, 1);
            gauge_leave(crowd->gauge);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct crowd crowd = {.rate = rate_cell_new(), .gauge = gauge_cell_new()};
    pthread_t threads[THREADS];
    rate_cell_set(crowd.rate, 50000);
    gauge_cell_set(crowd.gauge, 3);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, jostle, &crowd);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.taken, 50000);
    assert_false(crowd.crowded);
    rate_cell_unref(&crowd.rate);
    gauge_cell_unref(&crowd.gauge); /* asserts that it is empty */
}

static void leave_twice(void *argument)
{
    gauge_leave(argument);
}

static void set_rate(void *argument)
{
    rate_cell_set(argument, -1);
}

static void set_gauge(void *argument)
{
    gauge_cell_set(argument, -1);
}

static void drop_gauge(void *argument)
{
    struct gauge_cell *gauge = argument;
    gauge_cell_unref(&gauge);
}

static void test_assertions(void **state)
{
    (void)state;
    struct rate_cell *rate = rate_cell_new();
    struct gauge_cell *gauge = gauge_cell_new();
    assert_true(aborts(leave_twice, gauge));
    assert_true(aborts(set_rate, rate));
    assert_true(aborts(set_gauge, gauge));
    assert_true(gauge_enter(gauge));
    assert_true(aborts(drop_gauge, gauge));
    gauge_leave(gauge);
    rate_cell_unref(&rate);
    gauge_cell_unref(&gauge);
}

int test_limit(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_refill),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_more_than_the_limit),
        cmocka_unit_test(test_no_limit_and_new_limits),
        cmocka_unit_test(test_against_oracle),
        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_assertions),
    };
    return cmocka_run_group_tests_name("policy/limit", tests, NULL, NULL);
}
