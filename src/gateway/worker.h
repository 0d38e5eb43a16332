/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a worker, for this module. */
#ifndef GATEWAY_WORKER_PRIVATE_H
#define GATEWAY_WORKER_PRIVATE_H

#include "base/id.h"
#include "base/list.h"
#include "gateway/pipeline.h"
#include "gateway/worker.h"
#include "memory_gauge.h"

#include <stdatomic.h>

struct access_log;
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
    struct access_log *access_log;
    struct id_source ids;
    uint64_t chance; /* route_chance's state */

    struct list living; /* struct exchange */
    struct list pool;   /* struct exchange, at rest */
    size_t pool_count;
    atomic_size_t active;
    struct memory_gauge memory;

    size_t draining; /* servers that are not drained yet */
    void (*drained)(void *argument);
    void *drained_argument;
};

/* The real steps. */
extern const struct pipeline_table gateway_pipeline;

#endif
