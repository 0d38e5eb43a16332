/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a worker, for this module. */
#ifndef GATEWAY_WORKER_PRIVATE_H
#define GATEWAY_WORKER_PRIVATE_H

#include "base/id.h"
#include "base/list.h"
#include "gateway/pipeline.h"
#include "gateway/worker.h"
#include "loop/loop.h"
#include "memory_gauge.h"
#include "waiting.h"

#include <stdatomic.h>

struct access_log;
struct receipt;
struct server;
struct upstream_client;

#define WORKER_POOL_MAX 256 /* idle exchanges kept for reuse */

struct listener {
    struct server *server;
    char *address; /* as the file gave it */
    bool tls;
};

struct gateway_worker {
    struct loop *loop;
    struct snapshot *snapshot;
    struct listener *listeners; /* one for each address */
    size_t listener_count;
    struct upstream_client *upstream;
    struct metrics *metrics;
    struct token_cache *token_cache;   /* NULL until the first count */
    struct context_room *context_room; /* likewise */
    struct shards *sessions;           /* all workers' */
    size_t counting;                   /* jobs under way */
    struct access_log *access_log;
    struct journal_stream *stream; /* NULL: nothing is kept */
    struct deferred journal_write; /* what the turn has recorded, before anybody hears of it */
    struct id_source ids;
    uint64_t chance; /* route_chance's state */

    struct list living; /* struct exchange */
    struct list pool;   /* struct exchange, at rest */
    size_t pool_count;
    atomic_size_t active;
    struct memory_gauge memory;
    struct waiting_room waiting;

    size_t unattended;               /* exchanges that go on without their clients */
    size_t draining;                 /* servers that are not drained yet */
    void (*drained)(void *argument); /* NULL: not asked for, or done */
    void *drained_argument;
};

/* Into the journal, which is written before any answer of this turn leaves. */
void worker_keep_receipt(struct gateway_worker *worker, const struct receipt *receipt);
/* One of the unattended has ended. */
void worker_attended(struct gateway_worker *worker);

/* The real steps. */
extern const struct pipeline_table gateway_pipeline;

#endif
