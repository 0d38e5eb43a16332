/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a worker, for this module. */
#ifndef GATEWAY_WORKER_PRIVATE_H
#define GATEWAY_WORKER_PRIVATE_H

#include "base/id.h"
#include "base/list.h"
#include "gateway/pipeline.h"
#include "gateway/worker.h"

#include <stdatomic.h>

struct access_log;
struct server;
struct upstream_client;

#define WORKER_MAX_LISTENERS 16
#define WORKER_POOL_MAX      256 /* idle exchanges kept for reuse */

struct gateway_worker {
    struct loop *loop;
    struct snapshot *snapshot;
    struct server *servers[WORKER_MAX_LISTENERS];
    size_t server_count;
    struct upstream_client *upstream;
    struct metrics *metrics;
    struct access_log *access_log;
    struct id_source ids;

    struct list living; /* struct exchange */
    struct list pool;   /* struct exchange, at rest */
    size_t pool_count;
    atomic_size_t active;

    size_t draining; /* servers that are not drained yet */
    void (*drained)(void *argument);
    void *drained_argument;
};

/* The real steps. */
extern const struct pipeline_table gateway_pipeline;

#endif
