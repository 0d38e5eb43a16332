/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Offloaded work: done elsewhere, told here, exactly once, also when nobody waits any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/offload.h"
#include "until.h"

#include <pthread.h>
#include <semaphore.h>

int test_offload(void);

struct job {
    pthread_t worker;
    sem_t *gate; /* the work waits for it; NULL: it does not */
    int worked;
    int done;
    int abandoned;
};

static void work(void *argument)
{
    struct job *job = argument;
    if (job->gate != NULL)
        sem_wait(job->gate);
    job->worker = pthread_self();
    job->worked++;
}

static void done(void *argument, bool abandoned)
{
    struct job *job = argument;
    job->done++;
    job->abandoned += abandoned;
}

static struct offload *start(struct loop *loop, struct job *job)
{
    return offload_start(loop, &(struct offload_job){work, done, job});
}

static void work_is_done_on_another_thread(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct job job = {0};
    start(loop, &job);
    assert_int_equal(job.done, 0);
    assert_true(run_until(loop, &job.done, 1));
    assert_int_equal(job.worked, 1);
    assert_int_equal(job.abandoned, 0);
    assert_false(pthread_equal(job.worker, pthread_self()));
    assert_true(falls_asleep(loop));
    assert_int_equal(job.done, 1);
    loop_free(&loop);
}

static void abandoned_work_is_told_of(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct job job = {.gate = &gate};
    struct offload *offload = start(loop, &job);
    offload_abandon(&offload);
    assert_null(offload);
    offload_abandon(&offload);
    assert_int_equal(job.done, 0); /* not inside the call */
    sem_post(&gate);
    assert_true(run_until(loop, &job.done, 1));
    assert_int_equal(job.abandoned, 1);
    loop_free(&loop);
    sem_destroy(&gate);
}

enum { MANY = 64 };

/* The pool has few threads: with all of them held up, most of the work has not begun. */
static void work_that_has_not_begun_is_not_done(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct job jobs[MANY] = {0};
    struct offload *offloads[MANY];
    for (int i = 0; i < MANY; i++) {
        jobs[i].gate = &gate;
        offloads[i] = start(loop, &jobs[i]);
    }
    for (int i = 0; i < MANY; i++)
        offload_abandon(&offloads[i]);
    for (int i = 0; i < MANY; i++)
        sem_post(&gate);
    int worked = 0;
    for (int i = 0; i < MANY; i++) {
        assert_true(run_until(loop, &jobs[i].done, 1));
        assert_int_equal(jobs[i].abandoned, 1);
        worked += jobs[i].worked;
    }
    assert_in_range(worked, 0, MANY / 2);
    loop_free(&loop);
    sem_destroy(&gate);
}

static void a_loop_waits_for_what_is_under_way(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct job job = {0};
    struct offload *offload = start(loop, &job);
    offload_abandon(&offload);
    loop_free(&loop);
    assert_int_equal(job.done, 1);
}

int test_offload(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_done_on_another_thread),
        cmocka_unit_test(abandoned_work_is_told_of),
        cmocka_unit_test(work_that_has_not_begun_is_not_done),
        cmocka_unit_test(a_loop_waits_for_what_is_under_way),
    };
    return cmocka_run_group_tests_name("loop/offload", tests, NULL, NULL);
}
