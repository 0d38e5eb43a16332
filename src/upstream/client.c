/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A curl multi and its drive. Sockets, curl's timer, starts and resumes only say that there is
 * something to do; the work is done once, at the end of the turn:
 *
 *   ready sockets -> starts, resumes -> curl's time-out -> finished transfers -> deadlines
 *
 * so that all that a turn brought costs one pass. "Time-out now" is remembered until it has been
 * served: curl's state machine stands still otherwise.
 *
 * The drive alone enters curl in a way that comes back through callbacks; hence user callbacks come
 * from the drive and from nowhere else.
 */
#include "upstream/client.h"

#include "attempt_private.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/memory.h"
#include "client_private.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <stdlib.h>

enum { SWEEP_MS = 50, CONNECTIONS_KEPT = 1024 };

void client_wake(struct upstream_client *client)
{
    loop_defer(client->loop, &client->drive);
}

void client_enter_curl(struct upstream_client *client)
{
    ASSERT(!client->inside_curl);
    client->inside_curl = true;
}

void client_leave_curl(struct upstream_client *client)
{
    client->inside_curl = false;
    while (!list_empty(&client->doomed))
        attempt_reap(LIST_ITEM(client->doomed.next, struct attempt, link));
}

static void act(struct upstream_client *client, curl_socket_t fd, int bits)
{
    int running;
    client_enter_curl(client);
    CURLMcode code = curl_multi_socket_action(client->multi, fd, bits, &running);
    client_leave_curl(client);
    if (code != CURLM_OK)
        log_error("curl: %s", curl_multi_strerror(code));
}

static void act_on_socket(void *argument, curl_socket_t fd, int bits)
{
    act(argument, fd, bits);
}

/* Starts, and resumes with bytes withheld. Only those of now: who asks meanwhile is served by the next drive. */
static void attend(struct upstream_client *client)
{
    struct list batch;
    list_append(&client->asking, &batch);
    list_remove(&client->asking);
    while (!list_empty(&batch)) {
        struct attempt *attempt = LIST_ITEM(batch.next, struct attempt, asking);
        list_remove(&attempt->asking);
        attempt_attend(attempt);
    }
}

/* On every path: curl's own example for libuv forgets the timer's, and answers then get stuck. The
 * message is gone once its handle is removed, hence both parts of it are passed on at once. */
static void drain_finished(struct upstream_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            attempt_ended(attempt_of(message->easy_handle), message->data.result);
    }
}

/* The late ones are put aside first, as each on_done may cancel any of them. */
static void sweep(struct upstream_client *client)
{
    struct list late;
    int64_t now_ms = loop_now_ms(client->loop);
    list_init(&late);
    LIST_FOR_EACH (link, &client->running) {
        if (attempt_is_late(LIST_ITEM(link, struct attempt, link), now_ms)) {
            list_remove(link);
            list_append(&late, link);
        }
    }
    while (!list_empty(&late))
        attempt_time_out(LIST_ITEM(late.next, struct attempt, link));
}

/* Sockets come first, so that dirty idle connections are out of the way of new attempts. */
static void drive(struct deferred *work)
{
    struct upstream_client *client = LIST_ITEM(work, struct upstream_client, drive);
    sockets_run(&client->sockets, act_on_socket);
    attend(client);
    if (client->curl_due) {
        client->curl_due = false;
        act(client, CURL_SOCKET_TIMEOUT, 0);
    }
    drain_finished(client);
    if (client->sweep_due) {
        client->sweep_due = false;
        sweep(client);
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *unused)
{
    struct upstream_client *client = argument;
    (void)unused;
    struct attempt *attempt = attempt_of(easy);
    if (attempt != NULL && what != CURL_POLL_REMOVE)
        attempt->fd = fd;
    sockets_want(&client->sockets, fd, what, attempt != NULL && attempt->facts.connected);
    return 0;
}

/* -1 stops the timer, but not what is due: serving that once too often does no harm. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *argument)
{
    struct upstream_client *client = argument;
    (void)multi;
    if (timeout_ms > 0) {
        timer_start(client->curl_timer, timeout_ms);
        return 0;
    }
    timer_stop(client->curl_timer);
    if (timeout_ms == 0) {
        client->curl_due = true;
        client_wake(client);
    }
    return 0;
}

static void curl_timer_fired(void *argument)
{
    struct upstream_client *client = argument;
    client->curl_due = true;
    client_wake(client);
}

static void sockets_ready(void *argument)
{
    client_wake(argument);
}

/* One coarse timer for the deadlines of all attempts: with thousands of streams, each byte that came
 * would move a timer of its own. It runs on until it finds nothing active, as starting and stopping it
 * for each request would cost more than a tick. */
static void sweep_timer_fired(void *argument)
{
    struct upstream_client *client = argument;
    if (client->active == 0) {
        timer_stop(client->sweep_timer);
        return;
    }
    client->sweep_due = true;
    client_wake(client);
}

void client_watch_deadlines(struct upstream_client *client)
{
    if (!timer_active(client->sweep_timer))
        timer_start_every(client->sweep_timer, SWEEP_MS);
}

/* The one multi holds all connections of this worker, so any attempt may use any kept one. */
struct upstream_client *upstream_client_new(struct loop *loop)
{
    struct upstream_client *client = MEMORY_NEW(struct upstream_client);
    client->loop = loop;
    list_init(&client->running);
    list_init(&client->asking);
    list_init(&client->doomed);
    list_init(&client->pool);
    deferred_init(&client->drive, drive);
    client->curl_timer = timer_new(loop, curl_timer_fired, client);
    client->sweep_timer = timer_new(loop, sweep_timer_fired, client);
    sockets_init(&client->sockets, loop, sockets_ready, client);
    client->multi = curl_multi_init();
    ASSERT(client->multi != NULL);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return client;
}

void upstream_client_free(struct upstream_client **client)
{
    struct upstream_client *gone = *client;
    *client = NULL;
    if (gone == NULL)
        return;
    ASSERT(gone->active == 0 && !gone->inside_curl);
    pool_drain(gone);
    curl_multi_cleanup(gone->multi); /* closes the kept connections, through sockets_close */
    sockets_fini(&gone->sockets);
    timer_free(&gone->curl_timer);
    timer_free(&gone->sweep_timer);
    deferred_cancel(&gone->drive);
    free(gone);
}

size_t upstream_client_active(const struct upstream_client *client)
{
    return client->active;
}
