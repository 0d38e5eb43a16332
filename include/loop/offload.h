/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that would hold up the loop, on a thread of libuv's pool. The work owns what it touches: the
 * one who started it may be gone before it ends, and then `done` is told so.
 *
 *   offload_start ──> work(argument) on some thread ──> done(argument, abandoned) on the loop's
 *        └── offload_abandon ─────────────────────────────────────┘
 */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

#include <stdbool.h>

struct loop;
struct offload;

struct offload_job {
    void (*work)(void *argument);                 /* another thread */
    void (*done)(void *argument, bool abandoned); /* the loop's; exactly once */
    void *argument;
};

/* On the loop's thread. The result is for offload_abandon, until `done` begins. */
struct offload *offload_start(struct loop *loop, const struct offload_job *job);
/* Nobody waits for the result any more: work that has not begun is not done at all. `done` still comes,
 * in a later turn, to free the argument. Clears *address; accepts NULL in it. */
void offload_abandon(struct offload **address);

#endif
