/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_fs_event on a directory. The kernel watches an inode, we promise a path: after each change
 * the watch is made anew, which costs two system calls and also finds a directory that another one
 * replaced; while there is none it is looked for by a timer. Changes of one loop turn are told
 * once, after the new watch is set, so that none falls between it and the caller's look.
 */
#include "loop/watch.h"

#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RETRY_MS = 500 };

struct watch {
    uv_fs_event_t uv;
    struct loop *loop;
    struct deferred renew;
    struct timer *retry;
    void (*changed)(void *argument);
    void *argument;
    char *directory;
};

/* Names and kinds of events are not looked at: callers look at the files anyway. */
static void on_event(uv_fs_event_t *uv, const char *name, int events, int status)
{
    struct watch *watch = HANDLE_OWNER(uv, struct watch, uv);

    (void)name;
    (void)events;
    (void)status;
    loop_defer(watch->loop, &watch->renew);
}

static int attach(struct watch *watch)
{
    struct stat status;

    if (stat(watch->directory, &status) != 0 || !S_ISDIR(status.st_mode))
        return -1;
    return uv_fs_event_start(&watch->uv, on_event, watch->directory, 0);
}

/* changed() comes last: it may free the watch. */
static void on_renew(struct deferred *work)
{
    struct watch *watch = LIST_ITEM(work, struct watch, renew);

    uv_fs_event_stop(&watch->uv);
    if (attach(watch) != 0)
        timer_start(watch->retry, RETRY_MS);
    watch->changed(watch->argument);
}

static void on_retry(void *argument)
{
    struct watch *watch = argument;

    if (attach(watch) != 0) {
        timer_start(watch->retry, RETRY_MS);
        return;
    }
    watch->changed(watch->argument);
}

struct watch *watch_new(struct loop *loop, const char *directory, void (*changed)(void *argument),
                        void *argument)
{
    struct watch *watch = MEMORY_NEW(struct watch);

    watch->loop = loop;
    watch->changed = changed;
    watch->argument = argument;
    watch->directory = memory_string(directory, strlen(directory));
    watch->retry = timer_new(loop, on_retry, watch);
    deferred_init(&watch->renew, on_renew);
    uv_fs_event_init(loop_uv(loop), &watch->uv);
    if (attach(watch) != 0)
        watch_free(&watch);
    return watch;
}

void watch_free(struct watch **address)
{
    struct watch *watch = *address;

    *address = NULL;
    if (watch == NULL)
        return;
    deferred_cancel(&watch->renew);
    timer_free(&watch->retry);
    free(watch->directory);
    handle_close((uv_handle_t *)&watch->uv, watch);
}
