/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: once, again and again, moved, stopped and freed, also from inside fire(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/timer.h"
#include "until.h"

struct fixture {
    struct loop *loop;
    struct timer *timer;
    int fired;
    int64_t fired_ms;
    bool active_inside;
};

static void fire(void *argument)
{
    struct fixture *f = argument;

    f->fired++;
    f->fired_ms = stopwatch_ms();
    f->active_inside = timer_active(f->timer);
}

static void fixture_init(struct fixture *f, void (*on_fire)(void *argument))
{
    *f = (struct fixture){.loop = loop_new()};
    assert_non_null(f->loop);
    f->timer = timer_new(f->loop, on_fire, f);
}

static void fixture_fini(struct fixture *f)
{
    timer_free(&f->timer);
    assert_null(f->timer);
    timer_free(&f->timer);
    loop_free(&f->loop);
}

static void fires_once(void **state)
{
    struct fixture f;
    int64_t start_ms;

    (void)state;
    fixture_init(&f, fire);
    assert_false(timer_active(f.timer));
    start_ms = stopwatch_ms();
    timer_start(f.timer, 30);
    assert_true(timer_active(f.timer));
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_in_range(f.fired_ms - start_ms, 30, DEADLINE_MS);
    assert_false(f.active_inside);
    assert_false(timer_active(f.timer));
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, 1);
    fixture_fini(&f);
}

static void fires_again_and_again(void **state)
{
    struct fixture f;
    int64_t start_ms;
    int fired;

    (void)state;
    fixture_init(&f, fire);
    start_ms = stopwatch_ms();
    timer_start_every(f.timer, 10);
    assert_true(run_until(f.loop, &f.fired, 3));
    assert_in_range(f.fired_ms - start_ms, 30, DEADLINE_MS);
    assert_true(f.active_inside);
    assert_true(timer_active(f.timer));
    timer_stop(f.timer);
    timer_stop(f.timer);
    assert_false(timer_active(f.timer));
    fired = f.fired;
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, fired);
    fixture_fini(&f);
}

static void restarting_moves_the_deadline(void **state)
{
    struct fixture f;
    int64_t start_ms;

    (void)state;
    fixture_init(&f, fire);
    timer_start_every(f.timer, 1);
    start_ms = stopwatch_ms();
    timer_start(f.timer, 40); /* later, and once */
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_in_range(f.fired_ms - start_ms, 40, DEADLINE_MS);
    assert_false(timer_active(f.timer));
    timer_start(f.timer, DEADLINE_MS * 10);
    timer_start(f.timer, -5); /* sooner: at once */
    assert_true(run_until(f.loop, &f.fired, 2));
    fixture_fini(&f);
}

/* A delay counts from the call, not from the loop's cached time. */
static void a_long_turn_shortens_no_delay(void **state)
{
    struct fixture f;
    int64_t start_ms;

    (void)state;
    fixture_init(&f, fire);
    start_ms = stopwatch_ms();
    while (stopwatch_ms() - start_ms < 60) {
    }
    start_ms = stopwatch_ms();
    timer_start(f.timer, 40);
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_in_range(f.fired_ms - start_ms, 40, DEADLINE_MS);
    fixture_fini(&f);
}

static void fire_and_free(void *argument)
{
    struct fixture *f = argument;

    f->fired++;
    timer_free(&f->timer);
}

static void fire_and_stop(void *argument)
{
    struct fixture *f = argument;

    f->fired++;
    timer_stop(f->timer);
}

static void fire_and_restart(void *argument)
{
    struct fixture *f = argument;

    if (++f->fired < 3)
        timer_start(f->timer, 1);
}

static void fire_may_free_stop_and_restart(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, fire_and_free);
    timer_start_every(f.timer, 1);
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_null(f.timer);
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, 1);
    fixture_fini(&f);

    fixture_init(&f, fire_and_stop);
    timer_start_every(f.timer, 1);
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, 1);
    fixture_fini(&f);

    fixture_init(&f, fire_and_restart);
    timer_start(f.timer, 1);
    assert_true(run_until(f.loop, &f.fired, 3));
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, 3);
    fixture_fini(&f);
}

/* Both are due in the same turn; the first frees the second. */
static void a_freed_timer_does_not_fire(void **state)
{
    struct fixture f;
    struct timer *other;

    (void)state;
    fixture_init(&f, fire);
    other = timer_new(f.loop, fire_and_free, &f);
    timer_start(other, 0);
    timer_start(f.timer, 0);
    assert_true(run_until(f.loop, &f.fired, 1));
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.fired, 1);
    timer_free(&other);
    fixture_fini(&f);
}

int test_timer(void);
int test_timer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_once),
        cmocka_unit_test(fires_again_and_again),
        cmocka_unit_test(restarting_moves_the_deadline),
        cmocka_unit_test(a_long_turn_shortens_no_delay),
        cmocka_unit_test(fire_may_free_stop_and_restart),
        cmocka_unit_test(a_freed_timer_does_not_fire),
    };

    return cmocka_run_group_tests_name("loop/timer", tests, NULL, NULL);
}
