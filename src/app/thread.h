/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's thread: its loop, its gateway worker, and the messages that reach it. Made on the main
 * thread (so that addresses are bound before anything runs), then handed to its own.
 */
#ifndef APP_THREAD_H
#define APP_THREAD_H

#include "config/snapshot.h"
#include "gateway/worker.h"

#include <stdbool.h>

struct journal;
struct worker_thread;

struct worker_thread_settings {
    struct snapshot *snapshot; /* borrowed; the worker takes a reference of its own */
    int access_log_fd;
    struct gateway_shared *shared; /* outlives the thread */
    struct journal *journal;       /* likewise; each worker has a stream of it */
    /* Called on the worker's thread once it has drained. */
    void (*drained)(void *argument);
    void *argument;
};

/* NULL after a line on stderr: an address cannot be bound, or no journal stream begun. */
struct worker_thread *worker_thread_new(const struct worker_thread_settings *settings);
void worker_thread_start(struct worker_thread *thread);

/* Messages; from the main thread. */
void worker_thread_set_snapshot(struct worker_thread *thread, struct snapshot *snapshot);
void worker_thread_drain(struct worker_thread *thread);
void worker_thread_interrupt(struct worker_thread *thread);

/* Stops and joins the thread (if it was started) and frees all of it. */
void worker_thread_free(struct worker_thread **address);

/* Whether its journal stream can be written. */
bool worker_thread_journals(const struct worker_thread *thread);
struct gateway_worker *worker_thread_gateway(struct worker_thread *thread);

#endif
