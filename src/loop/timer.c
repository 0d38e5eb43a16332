/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_timer with freeing that is immediate for the owner. Nothing touches the timer after `fire`
 * returns, which may have freed it.
 */
#include "loop/timer.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"

struct timer {
    uv_timer_t uv;
    void (*fire)(void *argument);
    void *argument;
};

static void on_timer(uv_timer_t *uv)
{
    struct timer *timer = HANDLE_OWNER(uv, struct timer, uv);

    timer->fire(timer->argument);
}

struct timer *timer_new(struct loop *loop, void (*fire)(void *argument), void *argument)
{
    struct timer *timer = MEMORY_NEW(struct timer);

    timer->fire = fire;
    timer->argument = argument;
    uv_timer_init(loop_uv(loop), &timer->uv);
    return timer;
}

void timer_free(struct timer **address)
{
    struct timer *timer = *address;

    *address = NULL;
    if (timer != NULL)
        handle_close((uv_handle_t *)&timer->uv, timer);
}

/* libuv counts from its cached time, which is old after a long turn or before the first one; the
 * difference is added here rather than by uv_update_time(), which would move this turn's now. */
static void start(struct timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
    uint64_t now_ms = uv_hrtime() / NS_PER_MS;
    uint64_t cached_ms = uv_now(timer->uv.loop);
    uint64_t stale_ms = now_ms > cached_ms ? now_ms - cached_ms : 0;

    uv_timer_start(&timer->uv, on_timer, (uint64_t)delay_ms + stale_ms, (uint64_t)repeat_ms);
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    start(timer, delay_ms > 0 ? delay_ms : 0, 0);
}

void timer_start_every(struct timer *timer, int64_t period_ms)
{
    ASSERT(period_ms > 0);
    start(timer, period_ms, period_ms);
}

void timer_stop(struct timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool timer_active(const struct timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv);
}
