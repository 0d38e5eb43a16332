/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: listeners, pools and counters of one thread. Exchanges belong to it; it hands each the
 * snapshot that is current when its head comes.
 */
#include "worker.h"

#include "exchange.h"
#include "intake.h"

#include "base/assert.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "net/server.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "upstream/client.h"

#include <stdlib.h>

#define QUEUE_HIGH    (256 * 1024)
#define QUEUE_LOW     (64 * 1024)
#define KEEP_ALIVE_MS 75000 /* longer than the 60 s of common load balancers */

static struct server_settings server_settings(const struct snapshot *snapshot)
{
    return (struct server_settings){
        .head_timeout_ms = snapshot->timeouts.head_ms,
        .body_timeout_ms = snapshot->timeouts.body_ms,
        .idle_timeout_ms = KEEP_ALIVE_MS,
        .send_timeout_ms = snapshot->timeouts.idle_ms,
        .max_connections = (size_t)snapshot->max_connections,
        .queue_high = QUEUE_HIGH,
        .queue_low = QUEUE_LOW,
    };
}

struct gateway_worker *gateway_worker_new(const struct gateway_settings *settings)
{
    struct gateway_worker *worker = MEMORY_NEW(struct gateway_worker);
    worker->loop = settings->loop;
    worker->snapshot = settings->snapshot;
    worker->upstream = upstream_client_new(worker->loop);
    worker->metrics = metrics_new();
    worker->access_log = access_log_new(worker->loop, settings->access_log_fd);
    id_source_init(&worker->ids, random_u64());
    list_init(&worker->living);
    list_init(&worker->pool);
    return worker;
}

bool gateway_worker_listen(struct gateway_worker *worker, const char **address, const char **error)
{
    const struct snapshot *snapshot = worker->snapshot;
    struct server_settings settings = server_settings(snapshot);
    ASSERT(snapshot->listen_count <= WORKER_MAX_LISTENERS);
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        struct server *server = server_listen(worker->loop, snapshot->listen[i], true, &settings,
                                              &intake_handler, worker, error);
        if (server == NULL) {
            *address = snapshot->listen[i];
            return false;
        }
        worker->servers[worker->server_count++] = server;
    }
    return true;
}

uint16_t gateway_worker_port(const struct gateway_worker *worker)
{
    return worker->server_count > 0 ? server_port(worker->servers[0]) : 0;
}

void gateway_worker_set_snapshot(struct gateway_worker *worker, struct snapshot *snapshot)
{
    snapshot_unref(&worker->snapshot);
    worker->snapshot = snapshot;
    struct server_settings settings = server_settings(snapshot);
    for (size_t i = 0; i < worker->server_count; i++)
        server_set(worker->servers[i], &settings);
}

static void server_drained(void *context)
{
    struct gateway_worker *worker = context;
    ASSERT(worker->draining > 0);
    if (--worker->draining == 0)
        worker->drained(worker->drained_argument);
}

void gateway_worker_drain(struct gateway_worker *worker, void (*drained)(void *argument),
                          void *argument)
{
    worker->drained = drained;
    worker->drained_argument = argument;
    worker->draining = worker->server_count;
    if (worker->draining == 0)
        drained(argument);
    for (size_t i = 0; i < worker->server_count; i++)
        server_drain(worker->servers[i], server_drained);
}

void gateway_worker_interrupt(struct gateway_worker *worker)
{
    LIST_FOR_EACH (link, &worker->living) {
        struct exchange *exchange = LIST_ITEM(link, struct exchange, link);
        pipeline_interrupt(&exchange->pipeline, ERR_DRAINING);
    }
}

void gateway_worker_free(struct gateway_worker **address)
{
    struct gateway_worker *worker = *address;
    if (worker == NULL)
        return;
    *address = NULL;
    /* Each busy connection tells its exchange that it is gone, which settles and frees it. */
    for (size_t i = 0; i < worker->server_count; i++)
        server_free(&worker->servers[i]);
    ASSERT(list_empty(&worker->living));
    exchange_pool_free(worker);
    upstream_client_free(&worker->upstream);
    access_log_free(&worker->access_log);
    metrics_free(&worker->metrics);
    snapshot_unref(&worker->snapshot);
    free(worker);
}

struct metrics *gateway_worker_metrics(struct gateway_worker *worker)
{
    return worker->metrics;
}

size_t gateway_worker_active(const struct gateway_worker *worker)
{
    return atomic_load_explicit(&worker->active, memory_order_relaxed);
}
