/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client as its attempts see it. An attempt is in exactly one of `running`, `doomed` and `pool`;
 * one that asks for the next drive is in `asking`, too.
 */
#ifndef UPSTREAM_CLIENT_PRIVATE_H
#define UPSTREAM_CLIENT_PRIVATE_H

#include "base/list.h"
#include "loop/loop.h"
#include "sockets.h"
#include "upstream/client.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct attempt;
struct timer;

struct upstream_client {
    struct loop *loop;
    CURLM *multi;
    struct sockets sockets;
    struct timer *curl_timer;
    struct timer *sweep_timer;
    struct deferred drive;
    struct list running;
    struct list asking; /* starts and resumes */
    struct list doomed; /* cancelled inside curl, which must be left first */
    struct list pool;   /* last in, first out */
    size_t pool_size;
    size_t active;
    bool inside_curl;
    bool curl_due;
    bool sweep_due;
};

/* A drive at the end of this turn. */
void client_wake(struct upstream_client *client);
/* Looks at deadlines from now on, until nothing is active. */
void client_watch_deadlines(struct upstream_client *client);

/* Around every call that may come back through our callbacks. Leaving reaps the doomed. */
void client_enter_curl(struct upstream_client *client);
void client_leave_curl(struct upstream_client *client);

#endif
