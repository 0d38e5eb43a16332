/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_signal: libuv's handler writes to a pipe, so `caught` runs as an ordinary event of the loop
 * and may do anything, freeing the watch included.
 */
#include "loop/signal.h"

#include "base/assert.h"
#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"

struct signal_watch {
    uv_signal_t uv;
    void (*caught)(void *argument, int signum);
    void *argument;
};

static void on_signal(uv_signal_t *uv, int signum)
{
    struct signal_watch *watch = HANDLE_OWNER(uv, struct signal_watch, uv);

    watch->caught(watch->argument, signum);
}

struct signal_watch *signal_watch_new(struct loop *loop, int signum,
                                      void (*caught)(void *argument, int signum), void *argument)
{
    struct signal_watch *watch = MEMORY_NEW(struct signal_watch);
    int err;

    watch->caught = caught;
    watch->argument = argument;
    err = uv_signal_init(loop_uv(loop), &watch->uv); /* the loop has its pipe since its birth */
    ASSERT(err == 0);
    if (uv_signal_start(&watch->uv, on_signal, signum) != 0)
        signal_watch_free(&watch);
    return watch;
}

void signal_watch_free(struct signal_watch **address)
{
    struct signal_watch *watch = *address;

    *address = NULL;
    if (watch != NULL)
        handle_close((uv_handle_t *)&watch->uv, watch);
}
