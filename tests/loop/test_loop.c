/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The turn of a loop: deferred work, blocking and not blocking, stopping, freeing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "until.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Work that writes its name down, and may then do something to others. */
struct scribe {
    struct deferred work;
    char name;
    struct scenario *scenario;
    void (*then)(struct scribe *scribe);
    struct scribe *other;
    int again;
};

struct scenario {
    struct loop *loop;
    char written[32];
    int count;
    bool ended;
};

static void scribe_run(struct deferred *work)
{
    struct scribe *scribe = LIST_ITEM(work, struct scribe, work);
    struct scenario *scenario = scribe->scenario;

    scenario->written[scenario->count++] = scribe->name;
    if (scribe->then != NULL)
        scribe->then(scribe);
}

static struct scribe *scribe_new(struct scenario *scenario, char name)
{
    struct scribe *scribe = MEMORY_NEW(struct scribe);

    deferred_init(&scribe->work, scribe_run);
    scribe->name = name;
    scribe->scenario = scenario;
    return scribe;
}

static void scenario_init(struct scenario *scenario)
{
    *scenario = (struct scenario){.loop = loop_new()};
    assert_non_null(scenario->loop);
}

static void first_come_first_served(void **state)
{
    struct scenario s;
    struct scribe *a, *b, *c;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    b = scribe_new(&s, 'b');
    c = scribe_new(&s, 'c');
    loop_defer(s.loop, &b->work);
    loop_defer(s.loop, &a->work);
    loop_defer(s.loop, &b->work); /* queued already: keeps its place, runs once */
    loop_defer(s.loop, &c->work);
    deferred_cancel(&c->work);
    deferred_cancel(&c->work);
    loop_run_once(s.loop, 0);
    assert_string_equal(s.written, "ba");
    loop_defer(s.loop, &c->work); /* cancelled work may be queued again */
    loop_run_once(s.loop, 0);
    assert_string_equal(s.written, "bac");
    assert_true(falls_asleep(s.loop));
    assert_string_equal(s.written, "bac");
    free(a);
    free(b);
    free(c);
    loop_free(&s.loop);
    assert_null(s.loop);
}

static void defer_other_first(struct scribe *scribe)
{
    loop_defer_first(scribe->scenario->loop, &scribe->other->work);
}

/* Also before what is queued already, and before the rest of a pass that runs. */
static void what_comes_first(void **state)
{
    struct scenario s;
    struct scribe *a, *b, *c;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    b = scribe_new(&s, 'b');
    c = scribe_new(&s, 'c');
    loop_defer(s.loop, &a->work);
    loop_defer(s.loop, &b->work);
    loop_defer_first(s.loop, &c->work);
    loop_defer_first(s.loop, &c->work); /* once */
    a->then = defer_other_first;
    a->other = c;
    loop_run_once(s.loop, 0);
    assert_string_equal(s.written, "cacb");
    loop_defer_first(s.loop, &c->work); /* alone it is work enough to stay awake */
    loop_run_once(s.loop, DEADLINE_MS);
    assert_string_equal(s.written, "cacbc");
    loop_defer_first(s.loop, &c->work);
    deferred_cancel(&c->work);
    assert_true(falls_asleep(s.loop));
    assert_string_equal(s.written, "cacbc");
    free(a);
    free(b);
    free(c);
    loop_free(&s.loop);
}

static void defer_again(struct scribe *scribe)
{
    if (--scribe->again > 0)
        loop_defer(scribe->scenario->loop, &scribe->work);
}

/* Work deferred from inside run() waits for the next pass, but not for an event. */
static void work_that_comes_again(void **state)
{
    struct scenario s;
    struct scribe *a, *b;
    int64_t start_ms;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    b = scribe_new(&s, 'b');
    a->then = defer_again;
    a->again = 9;
    loop_defer(s.loop, &a->work);
    loop_defer(s.loop, &b->work);
    start_ms = stopwatch_ms();
    while (s.count < 10 && stopwatch_ms() - start_ms < DEADLINE_MS)
        loop_run_once(s.loop, DEADLINE_MS);
    assert_true(stopwatch_ms() - start_ms < DEADLINE_MS / 2);
    assert_string_equal(s.written, "abaaaaaaaa");
    assert_true(falls_asleep(s.loop));
    free(a);
    free(b);
    loop_free(&s.loop);
}

static void stop_after_again(struct scribe *scribe)
{
    defer_again(scribe);
    if (scribe->again == 0)
        loop_stop(scribe->scenario->loop);
}

static void stop_too_late(void *argument)
{
    struct scenario *scenario = argument;

    scenario->ended = true;
    loop_stop(scenario->loop);
}

/* The same in loop_run(): nothing but the queue keeps the loop from sleeping. */
static void loop_run_stays_awake(void **state)
{
    struct scenario s;
    struct scribe *a;
    struct timer *guard;

    (void)state;
    scenario_init(&s);
    guard = timer_new(s.loop, stop_too_late, &s);
    timer_start(guard, DEADLINE_MS);
    a = scribe_new(&s, 'a');
    a->then = stop_after_again;
    a->again = 7;
    loop_defer(s.loop, &a->work);
    loop_run(s.loop);
    assert_false(s.ended);
    assert_string_equal(s.written, "aaaaaaa");
    timer_free(&guard);
    free(a);
    loop_free(&s.loop);
}

static void cancel_other(struct scribe *scribe)
{
    deferred_cancel(&scribe->other->work);
}

static void free_other_and_self(struct scribe *scribe)
{
    deferred_cancel(&scribe->other->work);
    free(scribe->other);
    deferred_cancel(&scribe->work);
    free(scribe);
}

static void defer_cancel_and_free_self(struct scribe *scribe)
{
    loop_defer(scribe->scenario->loop, &scribe->work);
    deferred_cancel(&scribe->work);
    free(scribe);
}

static void run_may_cancel_and_free(void **state)
{
    struct scenario s;
    struct scribe *w[6];

    (void)state;
    scenario_init(&s);
    for (int i = 0; i < 6; i++) {
        w[i] = scribe_new(&s, (char)('a' + i));
        loop_defer(s.loop, &w[i]->work);
    }
    w[0]->then = cancel_other;
    w[0]->other = w[5]; /* the last of the pass */
    w[1]->then = free_other_and_self;
    w[1]->other = w[2]; /* the next one */
    w[3]->then = defer_cancel_and_free_self;
    loop_run_once(s.loop, 0);
    assert_string_equal(s.written, "abde");
    assert_true(falls_asleep(s.loop));
    assert_string_equal(s.written, "abde");
    free(w[0]);
    free(w[4]);
    free(w[5]);
    loop_free(&s.loop);
}

/* The queue is emptied by a cancel after the loop has decided not to block. */
static void a_cancel_lets_the_loop_sleep(void **state)
{
    struct scenario s;
    struct scribe *a;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    a->then = defer_again;
    a->again = 1000;
    loop_defer(s.loop, &a->work);
    loop_run_once(s.loop, 0);
    assert_true(s.count >= 1);
    deferred_cancel(&a->work);
    assert_true(falls_asleep(s.loop));
    free(a);
    loop_free(&s.loop);
}

static void defer_scribe(void *argument)
{
    struct scribe *scribe = argument;

    loop_defer(scribe->scenario->loop, &scribe->work);
}

static void stop_run(struct scribe *scribe)
{
    loop_stop(scribe->scenario->loop);
}

/* Timers come before the poll: their work must not wait until something else happens. */
static void work_of_a_timer_runs_before_blocking(void **state)
{
    struct scenario s;
    struct scribe *a;
    struct timer *timer, *guard;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    a->then = stop_run;
    timer = timer_new(s.loop, defer_scribe, a);
    guard = timer_new(s.loop, stop_too_late, &s);
    timer_start(timer, 1);
    timer_start(guard, DEADLINE_MS);
    loop_run(s.loop);
    assert_false(s.ended);
    assert_string_equal(s.written, "a");
    timer_free(&timer);
    timer_free(&guard);
    free(a);
    loop_free(&s.loop);
}

static void defer_on_delivery(void *argument, struct inbox_item *item)
{
    (void)item;
    defer_scribe(argument);
}

/* What the poll has brought is served in the same turn. */
static void work_of_a_poll_runs_after_it(void **state)
{
    struct scenario s;
    struct scribe *a;
    struct inbox *inbox;
    struct inbox_item item;

    (void)state;
    scenario_init(&s);
    a = scribe_new(&s, 'a');
    inbox = inbox_new(s.loop, defer_on_delivery, a);
    inbox_post(inbox, &item);
    loop_run_once(s.loop, DEADLINE_MS);
    assert_string_equal(s.written, "a");
    inbox_free(&inbox);
    free(a);
    loop_free(&s.loop);
}

static void count_up(void *argument)
{
    ++*(int *)argument;
}

/* What is due already is this turn's event: no blocking after it. */
static void a_due_timer_is_an_event(void **state)
{
    struct loop *loop = loop_new();
    int fired = 0;
    struct timer *timer = timer_new(loop, count_up, &fired);
    int64_t start_ms = stopwatch_ms();

    (void)state;
    timer_start(timer, 0);
    for (int turn = 0; turn < 2 && fired == 0; turn++)
        loop_run_once(loop, DEADLINE_MS);
    assert_int_equal(fired, 1);
    assert_true(stopwatch_ms() - start_ms < DEADLINE_MS / 2);
    timer_free(&timer);
    loop_free(&loop);
}

static void run_once_blocks_no_longer_than_told(void **state)
{
    struct loop *loop = loop_new();
    int64_t start_ms = stopwatch_ms();
    int64_t blocked_ms = 0;
    int64_t moved_ms = 0;

    (void)state;
    loop_run_once(loop, 0);
    assert_true(stopwatch_ms() - start_ms < DEADLINE_MS / 2);
    /* Taking down the ring of an earlier loop (libuv 1.45 and later) interrupts a wait or two. */
    for (int tries = 0; tries < 5 && blocked_ms < 55; tries++) {
        int64_t now_ms = loop_now_ms(loop);
        start_ms = stopwatch_ms();
        loop_run_once(loop, 60);
        blocked_ms = stopwatch_ms() - start_ms;
        moved_ms = loop_now_ms(loop) - now_ms;
    }
    assert_in_range(blocked_ms, 55, DEADLINE_MS / 2);
    assert_in_range(moved_ms, 55, DEADLINE_MS / 2);
    loop_free(&loop);
}

static void stopped_before_it_runs(void **state)
{
    struct loop *loop = loop_new();
    int fired = 0;
    struct timer *timer = timer_new(loop, count_up, &fired);

    (void)state;
    timer_start(timer, 0);
    loop_stop(loop);
    loop_run(loop);
    assert_true(run_until(loop, &fired, 1)); /* the stop was for one run only */
    timer_free(&timer);
    loop_free(&loop);
}

static void nothing(void *argument)
{
    (void)argument;
}

static void freed_while_a_stop_is_pending(void **state)
{
    struct loop *loop = loop_new();
    struct timer *timer = timer_new(loop, nothing, NULL);

    (void)state;
    timer_start(timer, 0);
    timer_free(&timer);
    loop_stop(loop);
    loop_free(&loop);
    assert_null(loop);
}

static void no_loop_without_descriptors(void **state)
{
    struct rlimit before;
    struct rlimit none;
    struct loop *loop;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop = loop_new();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(loop);
    loop_free(&loop);
}

static void leak_a_timer(struct loop *loop)
{
    timer_new(loop, nothing, NULL);
    loop_free(&loop);
}

static void leak_a_running_timer(struct loop *loop)
{
    timer_start_every(timer_new(loop, nothing, NULL), 1000);
    loop_free(&loop);
}

static void leave_work_queued(struct loop *loop)
{
    struct deferred work;

    deferred_init(&work, scribe_run);
    loop_defer(loop, &work);
    loop_free(&loop);
}

static void run_inside_of_run(struct deferred *work)
{
    struct scribe *scribe = LIST_ITEM(work, struct scribe, work);

    loop_run_once(scribe->scenario->loop, 0);
}

static void nest(struct loop *loop)
{
    struct scenario scenario = {.loop = loop};
    struct scribe scribe = {.scenario = &scenario};

    deferred_init(&scribe.work, run_inside_of_run);
    loop_defer(loop, &scribe.work);
    loop_run_once(loop, 0);
}

/* In a child, because the invariant's end is abort(). */
static bool aborts(void (*misuse)(struct loop *loop))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit no_core = {0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        alarm(DEADLINE_MS / 1000);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        misuse(loop_new());
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void misuse_is_caught(void **state)
{
    (void)state;
    assert_true(aborts(leak_a_timer));
    assert_true(aborts(leak_a_running_timer));
    assert_true(aborts(leave_work_queued));
    assert_true(aborts(nest));
}

int test_loop(void);
int test_loop(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(what_comes_first),
        cmocka_unit_test(work_that_comes_again),
        cmocka_unit_test(loop_run_stays_awake),
        cmocka_unit_test(run_may_cancel_and_free),
        cmocka_unit_test(a_cancel_lets_the_loop_sleep),
        cmocka_unit_test(work_of_a_timer_runs_before_blocking),
        cmocka_unit_test(work_of_a_poll_runs_after_it),
        cmocka_unit_test(a_due_timer_is_an_event),
        cmocka_unit_test(run_once_blocks_no_longer_than_told),
        cmocka_unit_test(stopped_before_it_runs),
        cmocka_unit_test(freed_while_a_stop_is_pending),
        cmocka_unit_test(no_loop_without_descriptors),
        cmocka_unit_test(misuse_is_caught),
    };

    return cmocka_run_group_tests_name("loop/loop", tests, NULL, NULL);
}
