/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/signal.h"
#include "until.h"

#include <signal.h>

struct fixture {
    struct loop *loop;
    struct signal_watch *watch;
    int count;
    int signum;
};

static void caught(void *argument, int signum)
{
    struct fixture *f = argument;

    f->count++;
    f->signum = signum;
}

static void caught_and_free(void *argument, int signum)
{
    struct fixture *f = argument;

    caught(argument, signum);
    signal_watch_free(&f->watch);
}

static void each_watch_hears_its_signal(void **state)
{
    struct loop *loop = loop_new();
    struct fixture usr1 = {0}, also_usr1 = {0}, usr2 = {0};
    struct signal_watch *watches[] = {
        signal_watch_new(loop, SIGUSR1, caught, &usr1),
        signal_watch_new(loop, SIGUSR1, caught, &also_usr1),
        signal_watch_new(loop, SIGUSR2, caught, &usr2),
    };

    (void)state;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(usr1.count, 0); /* an event of the loop, not of the moment */
    assert_true(run_until(loop, &usr1.count, 1));
    assert_true(run_until(loop, &also_usr1.count, 1));
    assert_int_equal(usr1.signum, SIGUSR1);
    assert_int_equal(usr2.count, 0);
    assert_int_equal(raise(SIGUSR2), 0);
    assert_true(run_until(loop, &usr2.count, 1));
    assert_int_equal(usr2.signum, SIGUSR2);
    assert_int_equal(usr1.count, 1);
    for (int i = 0; i < 3; i++) {
        signal_watch_free(&watches[i]);
        assert_null(watches[i]);
        signal_watch_free(&watches[i]);
    }
    loop_free(&loop);
}

static void caught_may_free_its_watch(void **state)
{
    struct fixture f = {.loop = loop_new()};

    (void)state;
    f.watch = signal_watch_new(f.loop, SIGUSR1, caught_and_free, &f);
    assert_non_null(f.watch);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(run_until(f.loop, &f.count, 1));
    assert_null(f.watch);
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.count, 1);
    loop_free(&f.loop);
}

/* The signal is on its way through libuv's pipe when the watch is freed. */
static void a_freed_watch_hears_nothing(void **state)
{
    struct fixture f = {.loop = loop_new()};

    (void)state;
    f.watch = signal_watch_new(f.loop, SIGUSR1, caught, &f);
    assert_int_equal(raise(SIGUSR1), 0);
    signal_watch_free(&f.watch);
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.count, 0);
    loop_free(&f.loop);
}

static void some_cannot_be_caught(void **state)
{
    struct loop *loop = loop_new();

    (void)state;
    assert_null(signal_watch_new(loop, 0, caught, NULL));
    assert_null(signal_watch_new(loop, SIGKILL, caught, NULL));
    loop_free(&loop);
}

int test_signal(void);
int test_signal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_watch_hears_its_signal),
        cmocka_unit_test(caught_may_free_its_watch),
        cmocka_unit_test(a_freed_watch_hears_nothing),
        cmocka_unit_test(some_cannot_be_caught),
    };

    return cmocka_run_group_tests_name("loop/signal", tests, NULL, NULL);
}
