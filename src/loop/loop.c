/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libuv loop and the queue of deferred work. Four handles of our own:
 *
 *   timers -> prepare: pass -> (block) poll -> check: pass -> closing -> ...
 *
 *   before_poll  prepare: the pass that serves what timers have brought
 *   after_poll   check: the pass that serves what sockets, inboxes and signals have brought
 *   stay_awake   idle: while active libuv does not block. Set at the end of each prepare, which is
 *                the last moment before blocking, to whether work is queued: hence a loop with
 *                work never sleeps and a loop without never spins.
 *   limit        timer: how long loop_run_once may block
 *
 * The first two keep libuv's loop alive, so that loop_run() ends by loop_stop() only.
 */
#include "loop/loop.h"

#include "base/assert.h"
#include "base/memory.h"
#include "handle.h"

#include <stdlib.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t stay_awake;
    uv_timer_t limit;
    struct list first; /* before anything of the queue */
    struct list queue;
    bool running;
};

/* Takes the next one off a list. It leaves the list before it runs, so any item, itself included, may
 * be cancelled and freed by what runs. */
static void run_next(struct list *list)
{
    struct deferred *work = LIST_ITEM(list->next, struct deferred, link);

    list_remove(&work->link);
    work->run(work);
}

/* The batch is cut off first: work deferred meanwhile waits for the next pass, but for what is to
 * come first. */
static void run_pass(struct loop *loop)
{
    struct list batch;

    list_append(&loop->queue, &batch);
    list_remove(&loop->queue);
    while (!list_empty(&loop->first) || !list_empty(&batch))
        run_next(list_empty(&loop->first) ? &batch : &loop->first);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = HANDLE_OWNER(prepare, struct loop, before_poll);

    run_pass(loop);
    if (list_empty(&loop->queue))
        uv_idle_stop(&loop->stay_awake);
    else
        uv_idle_start(&loop->stay_awake, on_idle);
}

static void on_check(uv_check_t *check)
{
    run_pass(HANDLE_OWNER(check, struct loop, after_poll));
}

/* The limit may pass before the loop has come to its poll, which then must not block: a stopped loop
 * polls without waiting. */
static void on_limit(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* None of these can fail: they only set up memory. */
static void start_own_handles(struct loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_idle_init(&loop->uv, &loop->stay_awake);
    uv_timer_init(&loop->uv, &loop->limit);
    uv_prepare_start(&loop->before_poll, on_prepare);
    uv_check_start(&loop->after_poll, on_check);
}

struct loop *loop_new(void)
{
    struct loop *loop = MEMORY_NEW(struct loop);

    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return NULL;
    }
    list_init(&loop->first);
    list_init(&loop->queue);
    start_own_handles(loop);
    return loop;
}

static void turn(struct loop *loop, uv_run_mode mode)
{
    ASSERT(!loop->running);
    loop->running = true;
    uv_run(&loop->uv, mode);
    loop->running = false;
}

static void assert_closing(uv_handle_t *handle, void *argument)
{
    (void)argument;
    ASSERT(uv_is_closing(handle));
}

void loop_free(struct loop **address)
{
    struct loop *loop = *address;
    int err;

    *address = NULL;
    if (loop == NULL)
        return;
    ASSERT(list_empty(&loop->queue) && list_empty(&loop->first));
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->stay_awake, NULL);
    uv_close((uv_handle_t *)&loop->limit, NULL);
    /* A handle that its owner forgot would keep the run below from ending: say so instead. */
    uv_walk(&loop->uv, assert_closing, NULL);
    while (uv_loop_alive(&loop->uv)) /* twice when a stop is pending */
        turn(loop, UV_RUN_DEFAULT);
    err = uv_loop_close(&loop->uv);
    ASSERT(err == 0);
    free(loop);
}

void loop_run(struct loop *loop)
{
    turn(loop, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *loop, int64_t timeout_ms)
{
    ASSERT(timeout_ms >= 0);
    uv_update_time(&loop->uv);
    /* libuv 1.44 fires due timers before it blocks: what is due already is this turn's event. */
    if (timeout_ms == 0 || !list_empty(&loop->queue) || !list_empty(&loop->first) ||
        uv_backend_timeout(&loop->uv) == 0) {
        turn(loop, UV_RUN_NOWAIT);
        return;
    }
    uv_timer_start(&loop->limit, on_limit, (uint64_t)timeout_ms, 0);
    turn(loop, UV_RUN_ONCE);
    uv_timer_stop(&loop->limit);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void deferred_init(struct deferred *work, void (*run)(struct deferred *work))
{
    list_init(&work->link);
    work->run = run;
}

void loop_defer(struct loop *loop, struct deferred *work)
{
    if (list_empty(&work->link))
        list_append(&loop->queue, &work->link);
}

void loop_defer_first(struct loop *loop, struct deferred *work)
{
    if (list_empty(&work->link))
        list_append(&loop->first, &work->link);
}

void deferred_cancel(struct deferred *work)
{
    list_remove(&work->link);
}
