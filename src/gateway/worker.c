/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: listeners, pools and counters of one thread. Exchanges belong to it; it hands each the
 * snapshot that is current when its head comes.
 */
#include "worker.h"

#include "context.h"
#include "exchange.h"
#include "intake.h"

#include "base/assert.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "ledger/journal.h"
#include "loop/loop.h"
#include "net/server.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "upstream/client.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_HIGH    (128 * 1024)
#define QUEUE_LOW     (32 * 1024)
#define KEEP_ALIVE_MS 75000 /* longer than the 60 s of common load balancers */

#define COUNTING_WAIT_MS 1000 /* a turn's; the last job's end is an event of its own */

/* ---- what workers share ---- */

struct gateway_shared {
    struct shards *sessions;
};

struct gateway_shared *gateway_shared_new(void)
{
    struct gateway_shared *shared = MEMORY_NEW(struct gateway_shared);
    shared->sessions = context_sessions_new();
    return shared;
}

void gateway_shared_free(struct gateway_shared **address)
{
    struct gateway_shared *shared = *address;
    *address = NULL;
    if (shared == NULL)
        return;
    shards_free(&shared->sessions);
    free(shared);
}

/* ---- a worker ---- */

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

/* A write that fails is the journal's to mend, and to say. */
static void write_journal(struct deferred *work)
{
    journal_flush(LIST_ITEM(work, struct gateway_worker, journal_write)->stream);
}

void worker_keep_receipt(struct gateway_worker *worker, const struct receipt *receipt)
{
    struct ledger_receipt kept;
    /* Nobody's: whoever has no key could fill the disk with them. */
    if (worker->stream == NULL || receipt->tenant[0] == '\0')
        return;
    ledger_receipt_from(&kept, receipt);
    if (!journal_receipt(worker->stream, &kept)) {
        struct span tenant = metrics_label(receipt->tenant);
        metrics_add(worker->metrics, METRIC_LEDGER_LOST, &tenant, 1);
    }
    loop_defer_first(worker->loop, &worker->journal_write);
}

struct gateway_worker *gateway_worker_new(const struct gateway_settings *settings)
{
    struct gateway_worker *worker = MEMORY_NEW(struct gateway_worker);
    worker->loop = settings->loop;
    worker->snapshot = settings->snapshot;
    worker->sessions = settings->shared->sessions;
    worker->upstream = upstream_client_new(worker->loop);
    worker->metrics = metrics_new();
    worker->access_log = access_log_new(worker->loop, settings->access_log_fd);
    worker->stream = settings->stream;
    deferred_init(&worker->journal_write, write_journal);
    id_source_init(&worker->ids, random_u64());
    worker->chance = random_u64();
    list_init(&worker->living);
    list_init(&worker->pool);
    waiting_room_init(worker);
    return worker;
}

bool gateway_worker_listen(struct gateway_worker *worker, const char **address, const char **error)
{
    const struct snapshot *snapshot = worker->snapshot;
    struct server_settings settings = server_settings(snapshot);
    worker->listeners = memory_array(snapshot->listen_count, sizeof(worker->listeners[0]));
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        const struct listen_address *listen = &snapshot->listen[i];
        struct server *server = server_listen(worker->loop, listen->text, true, &settings,
                                              &intake_handler, worker, error);
        if (server == NULL) {
            *address = listen->text;
            return false;
        }
        server_set_tls(server, listen->tls);
        worker->listeners[worker->listener_count++] =
            (struct listener){.server = server,
                              .address = memory_string(listen->text, strlen(listen->text)),
                              .tls = listen->tls != NULL};
    }
    return true;
}

uint16_t gateway_worker_port(const struct gateway_worker *worker)
{
    return worker->listener_count > 0 ? server_port(worker->listeners[0].server) : 0;
}

/* A listener stays what it was opened as, plain or not: only its certificate can change. */
static void renew_certificate(struct listener *listener, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        const struct listen_address *listen = &snapshot->listen[i];
        if (listener->tls && listen->tls != NULL && strcmp(listen->text, listener->address) == 0) {
            server_set_tls(listener->server, listen->tls);
            return;
        }
    }
}

void gateway_worker_set_snapshot(struct gateway_worker *worker, struct snapshot *snapshot)
{
    snapshot_unref(&worker->snapshot);
    worker->snapshot = snapshot;
    struct server_settings settings = server_settings(snapshot);
    for (size_t i = 0; i < worker->listener_count; i++) {
        server_set(worker->listeners[i].server, &settings);
        renew_certificate(&worker->listeners[i], snapshot);
    }
}

/* Said once, when neither a connection nor an exchange without one is left to wait for. */
static void say_drained(struct gateway_worker *worker)
{
    void (*drained)(void *argument) = worker->drained;
    if (drained == NULL || worker->draining > 0 || worker->unattended > 0)
        return;
    worker->drained = NULL;
    drained(worker->drained_argument);
}

static void server_drained(void *context)
{
    struct gateway_worker *worker = context;
    ASSERT(worker->draining > 0);
    worker->draining--;
    say_drained(worker);
}

void worker_attended(struct gateway_worker *worker)
{
    ASSERT(worker->unattended > 0);
    worker->unattended--;
    say_drained(worker);
}

void gateway_worker_drain(struct gateway_worker *worker, void (*drained)(void *argument),
                          void *argument)
{
    worker->drained = drained;
    worker->drained_argument = argument;
    worker->draining = worker->listener_count;
    say_drained(worker);
    for (size_t i = 0; i < worker->listener_count; i++)
        server_drain(worker->listeners[i].server, server_drained);
}

/* An exchange whose client has everything waits only for its provider to close: it ended well. */
static void end_exchange(struct exchange *exchange)
{
    pipeline_interrupt(&exchange->pipeline, exchange->reply_ended ? ERR_NONE : ERR_DRAINING);
}

void gateway_worker_interrupt(struct gateway_worker *worker)
{
    LIST_FOR_EACH (link, &worker->living)
        end_exchange(LIST_ITEM(link, struct exchange, link));
}

void gateway_worker_free(struct gateway_worker **address)
{
    struct gateway_worker *worker = *address;
    if (worker == NULL)
        return;
    *address = NULL;
    worker->drained = NULL;
    /* Each busy connection tells its exchange that it is gone, which settles and frees it. */
    for (size_t i = 0; i < worker->listener_count; i++)
        server_free(&worker->listeners[i].server);
    /* Those that no connection holds any more, or that went on without it. */
    gateway_worker_interrupt(worker);
    while (worker->counting > 0)
        loop_run_once(worker->loop, COUNTING_WAIT_MS);
    ASSERT(list_empty(&worker->living));
    waiting_room_fini(worker);
    deferred_cancel(&worker->journal_write); /* the stream's end writes what is left */
    exchange_pool_free(worker);
    token_cache_free(&worker->token_cache);
    free(worker->context_room);
    memory_fini(worker);
    upstream_client_free(&worker->upstream);
    access_log_free(&worker->access_log);
    metrics_free(&worker->metrics);
    snapshot_unref(&worker->snapshot);
    for (size_t i = 0; i < worker->listener_count; i++)
        free(worker->listeners[i].address);
    free(worker->listeners);
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
