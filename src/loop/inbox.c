/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list under a mutex, held for a few instructions, and a uv_async.
 *
 *   posters --lock--> posted ~~wake~~> arrived --> deliver()
 *
 * Only the poster that finds `posted` empty wakes the loop: the wake-up takes the whole list, so
 * a list that is not empty has one on its way. `arrived` is the loop thread's alone.
 */
#include "loop/inbox.h"

#include "base/assert.h"
#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"

#include <stdbool.h>

struct inbox {
    uv_async_t wake;
    uv_mutex_t lock;
    struct inbox_item *posted; /* under lock, oldest first */
    struct inbox_item **last;  /* under lock, where the next one is linked */
    struct inbox_item *arrived;
    void (*deliver)(void *argument, struct inbox_item *item);
    void *argument;
};

static struct inbox_item *take_posted(struct inbox *inbox)
{
    struct inbox_item *taken;

    uv_mutex_lock(&inbox->lock);
    taken = inbox->posted;
    inbox->posted = NULL;
    inbox->last = &inbox->posted;
    uv_mutex_unlock(&inbox->lock);
    return taken;
}

/* deliver() owns the item and may free the inbox, which then delivers the rest in here: when it
 * returns, `arrived` is empty and nothing else is looked at. */
static void deliver_arrived(struct inbox *inbox)
{
    while (inbox->arrived != NULL) {
        struct inbox_item *item = inbox->arrived;

        inbox->arrived = item->next;
        inbox->deliver(inbox->argument, item);
    }
}

static void on_wake(uv_async_t *wake)
{
    struct inbox *inbox = HANDLE_OWNER(wake, struct inbox, wake);

    inbox->arrived = take_posted(inbox);
    deliver_arrived(inbox);
}

struct inbox *inbox_new(struct loop *loop, void (*deliver)(void *argument, struct inbox_item *item),
                        void *argument)
{
    struct inbox *inbox = MEMORY_NEW(struct inbox);
    int err = uv_mutex_init(&inbox->lock);

    ASSERT(err == 0);
    err = uv_async_init(loop_uv(loop), &inbox->wake, on_wake); /* the loop has its descriptor */
    ASSERT(err == 0);
    inbox->last = &inbox->posted;
    inbox->deliver = deliver;
    inbox->argument = argument;
    return inbox;
}

void inbox_free(struct inbox **address)
{
    struct inbox *inbox = *address;

    *address = NULL;
    if (inbox == NULL)
        return;
    deliver_arrived(inbox);
    inbox->arrived = take_posted(inbox);
    deliver_arrived(inbox);
    ASSERT(inbox->posted == NULL);
    uv_mutex_destroy(&inbox->lock);
    handle_close((uv_handle_t *)&inbox->wake, inbox);
}

void inbox_post(struct inbox *inbox, struct inbox_item *item)
{
    bool first;

    item->next = NULL;
    uv_mutex_lock(&inbox->lock);
    first = inbox->posted == NULL;
    *inbox->last = item;
    inbox->last = &item->next;
    uv_mutex_unlock(&inbox->lock);
    if (first)
        uv_async_send(&inbox->wake);
}
