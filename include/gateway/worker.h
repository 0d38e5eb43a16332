/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker's part of the gateway: its listeners, its way to providers, its pools and counters,
 * its reference to the snapshot, and the exchanges in progress. App makes one for each thread.
 * Thread: its loop's, except where "any thread" is said.
 */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include "config/snapshot.h"

#include <stdbool.h>
#include <stddef.h>

struct gateway_shared;
struct gateway_worker;
struct journal_stream;
struct loop;
struct metrics;

struct gateway_settings {
    struct loop *loop;
    struct snapshot *snapshot;     /* the reference is taken over */
    int access_log_fd;             /* -1: none */
    struct gateway_shared *shared; /* of all workers, which it outlives */
    struct journal_stream *stream; /* this worker's, which outlives it; NULL: nothing is kept */
};

/* What the workers have together: sessions' last prompts. */
struct gateway_shared *gateway_shared_new(void);
/* Accepts NULL. */
void gateway_shared_free(struct gateway_shared **address);

struct gateway_worker *gateway_worker_new(const struct gateway_settings *settings);
/* Everything still in progress is cut off. Accepts NULL. */
void gateway_worker_free(struct gateway_worker **address);

/* Listens on all of the snapshot's addresses (shared with the other workers). False: *error says
 * why, *address which. */
bool gateway_worker_listen(struct gateway_worker *worker, const char **address, const char **error);
/* The port of the first listener, when 0 was asked for. */
uint16_t gateway_worker_port(const struct gateway_worker *worker);

/* From the next request on; the reference is taken over. */
void gateway_worker_set_snapshot(struct gateway_worker *worker, struct snapshot *snapshot);

/* Stops accepting and lets what is under way finish; `drained(argument)` once when all has. The
 * worker must not be freed inside it. */
void gateway_worker_drain(struct gateway_worker *worker, void (*drained)(void *argument),
                          void *argument);
/* Ends what is still under way: 503 where nothing was sent, an error event in streams. */
void gateway_worker_interrupt(struct gateway_worker *worker);

/* Any thread, as long as the worker lives. */
struct metrics *gateway_worker_metrics(struct gateway_worker *worker);
/* Exchanges in progress, as of now. Any thread. */
size_t gateway_worker_active(const struct gateway_worker *worker);

#endif
