/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One uv_poll a descriptor, in a table indexed by descriptor. Each has two sets of events:
 *
 *   wanted  what the owner asked for last
 *   armed   what the kernel watches for us; changing it costs system calls
 *
 * They differ on purpose: IN stays armed while a connection rests in its pool, so that using it
 * again costs nothing. What fires unwanted is dropped from `armed`, hence nothing spins. Invariant,
 * outside of on_poll: wanted is a subset of armed.
 *
 * A forgotten descriptor leaves the table at once (its number may be reused right away) and has no
 * poller any more; libuv frees it at the end of the turn.
 */
#include "loop/poll.h"

#include "base/assert.h"
#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

_Static_assert((int)POLLER_IN == (int)UV_READABLE && (int)POLLER_OUT == (int)UV_WRITABLE,
               "events pass between libuv and our owner as they are");

struct descriptor {
    uv_poll_t uv;
    struct poller *poller; /* NULL: forgotten */
    int fd;
    int wanted;
    int armed;
};

struct poller {
    struct loop *loop;
    void (*ready)(void *argument, int fd, int events);
    void *argument;
    struct descriptor **table;
    int capacity;
    bool delivering;
};

static void on_poll(uv_poll_t *uv, int status, int events);

/* libuv refuses only a descriptor that another handle of this loop watches, which attach() has
 * ruled out for as long as the owner keeps the descriptor open. */
static void arm(struct descriptor *descriptor, int events)
{
    int err;

    descriptor->armed = events;
    err = uv_poll_start(&descriptor->uv, events, on_poll); /* 0 stops it */
    ASSERT(err == 0);
}

static void deliver(struct descriptor *descriptor, int events)
{
    struct poller *poller = descriptor->poller;

    poller->delivering = true;
    poller->ready(poller->argument, descriptor->fd, events);
    poller->delivering = false;
}

/* libuv has stopped the handle. An error ends every wait, so all that is wanted is told as there.
 * It may be passing (a datagram refused), therefore what is still wanted is armed again. */
static void on_error(struct descriptor *descriptor)
{
    descriptor->armed = 0;
    if (descriptor->wanted == 0)
        return;
    deliver(descriptor, descriptor->wanted | POLLER_ERROR);
    if (descriptor->poller != NULL && (descriptor->wanted & ~descriptor->armed) != 0)
        arm(descriptor, descriptor->wanted);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct descriptor *descriptor = HANDLE_OWNER(uv, struct descriptor, uv);
    int unwanted = events & ~descriptor->wanted;

    if (status < 0) {
        on_error(descriptor);
        return;
    }
    if (unwanted != 0)
        arm(descriptor, descriptor->armed & ~unwanted);
    if ((events & descriptor->wanted) != 0)
        deliver(descriptor, events & descriptor->wanted);
}

static void grow(struct poller *poller, int fd)
{
    int capacity = poller->capacity > 0 ? poller->capacity : 64;

    while (capacity <= fd)
        capacity *= 2;
    poller->table = memory_resize(poller->table, (size_t)capacity, sizeof(void *));
    for (int i = poller->capacity; i < capacity; i++)
        poller->table[i] = NULL;
    poller->capacity = capacity;
}

static int attach(struct poller *poller, int fd)
{
    struct descriptor *descriptor = MEMORY_NEW(struct descriptor);
    int err = fd < 0 ? -EBADF : uv_poll_init(loop_uv(poller->loop), &descriptor->uv, fd);

    if (err != 0) {
        free(descriptor);
        return err;
    }
    descriptor->poller = poller;
    descriptor->fd = fd;
    if (fd >= poller->capacity)
        grow(poller, fd);
    poller->table[fd] = descriptor;
    return 0;
}

static struct descriptor *find(const struct poller *poller, int fd)
{
    return fd >= 0 && fd < poller->capacity ? poller->table[fd] : NULL;
}

int poller_want(struct poller *poller, int fd, int events)
{
    struct descriptor *descriptor = find(poller, fd);

    ASSERT((events & ~(POLLER_IN | POLLER_OUT)) == 0);
    if (descriptor == NULL) {
        int err;

        if (events == 0)
            return 0;
        err = attach(poller, fd);
        if (err != 0)
            return err;
        descriptor = poller->table[fd];
    }
    descriptor->wanted = events;
    if ((events & ~descriptor->armed) != 0) {
        /* As system calls are due anyway, an OUT nobody wants is dropped with them. */
        arm(descriptor, events | (descriptor->armed & POLLER_IN));
    }
    return 0;
}

void poller_forget(struct poller *poller, int fd)
{
    struct descriptor *descriptor = find(poller, fd);

    if (descriptor != NULL) {
        poller->table[fd] = NULL;
        descriptor->poller = NULL;
        handle_close((uv_handle_t *)&descriptor->uv, descriptor);
    }
}

struct poller *poller_new(struct loop *loop, void (*ready)(void *argument, int fd, int events),
                          void *argument)
{
    struct poller *poller = MEMORY_NEW(struct poller);

    poller->loop = loop;
    poller->ready = ready;
    poller->argument = argument;
    return poller;
}

void poller_free(struct poller **address)
{
    struct poller *poller = *address;

    *address = NULL;
    if (poller == NULL)
        return;
    ASSERT(!poller->delivering);
    for (int fd = 0; fd < poller->capacity; fd++)
        poller_forget(poller, fd);
    free(poller->table);
    free(poller);
}
