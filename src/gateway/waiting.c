/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for money: the list, the message and the timer. */
#include "waiting.h"

#include "exchange.h"
#include "worker.h"

#include "base/clock.h"
#include "loop/timer.h"

/* Any thread, with a budget's queue locked. */
static void wake(void *argument)
{
    struct waiting_room *room = argument;
    if (!atomic_exchange(&room->posted, true))
        inbox_post(room->inbox, &room->message);
}

/* Resuming one may end, and so free, it; or put it back at the end of the list. */
static void deliver(void *argument, struct inbox_item *item)
{
    struct waiting_room *room = &((struct gateway_worker *)argument)->waiting;
    (void)item;
    atomic_store(&room->posted, false);
    LIST_FOR_EACH (link, &room->exchanges) {
        struct exchange *exchange = LIST_ITEM(link, struct exchange, waiting.link);
        if (lease_is_woken(&exchange->lease))
            pipeline_resume(&exchange->pipeline);
    }
}

void waiting_room_init(struct gateway_worker *worker)
{
    list_init(&worker->waiting.exchanges);
    worker->waiting.inbox = inbox_new(worker->loop, deliver, worker);
}

void waiting_room_fini(struct gateway_worker *worker)
{
    inbox_free(&worker->waiting.inbox);
}

static void time_is_over(void *argument)
{
    struct exchange *exchange = argument;
    exchange->waiting.over = true;
    pipeline_resume(&exchange->pipeline);
}

bool waiting_begin(struct exchange *exchange, int64_t most_ms)
{
    struct waiting *waiting = &exchange->waiting;
    struct waiting_room *room = &exchange->worker->waiting;
    if (waiting->timer == NULL) {
        waiting->timer = timer_new(exchange->worker->loop, time_is_over, exchange);
        timer_start(waiting->timer, most_ms);
        waiting->begun_ns = clock_monotonic_ns();
        list_init(&waiting->link);
        list_append(&room->exchanges, &waiting->link);
    }
    return lease_wait(&exchange->lease, wake, room);
}

void waiting_end(struct exchange *exchange)
{
    struct waiting *waiting = &exchange->waiting;
    if (waiting->timer == NULL)
        return;
    lease_stop_waiting(&exchange->lease);
    timer_free(&waiting->timer);
    list_remove(&waiting->link);
    waiting->waited_ns += clock_monotonic_ns() - waiting->begun_ns;
}
