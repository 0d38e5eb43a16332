/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one thread: libuv's, with our own rule for the end of a turn.
 *
 *   timers -> poll (sockets, inboxes, signals) -> deferred work, first come first served -> ...
 *
 * Deferred work runs once after each poll, and also before the loop would block, so that one drive
 * of curl, one flush of the clients and one write of the log serve everything a turn has brought.
 * All functions are for the loop's own thread, except where they say "any thread".
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct uv_loop_s;

/* NULL when the system is out of descriptors. */
struct loop *loop_new(void);
/* Everything attached must have been freed before, and no work be queued; closing handles are
 * awaited here. Accepts NULL. */
void loop_free(struct loop **address);

/* Until loop_stop(), even when nothing is attached. */
void loop_run(struct loop *loop);
/* One turn; blocks for at most timeout_ms for something to happen. For tests and draining. */
void loop_run_once(struct loop *loop, int64_t timeout_ms);
/* Ends the run at the end of this turn; outside of one, the next run returns at once. */
void loop_stop(struct loop *loop);

/* Monotonic milliseconds as of this turn's start: cheap, for timers and coarse deadlines. */
int64_t loop_now_ms(const struct loop *loop);

/* For modules that wrap libuv themselves (net). */
struct uv_loop_s *loop_uv(struct loop *loop);

/* Work for the end of this turn. Lives in its owner; run at most once for each loop_defer(). */
struct deferred {
    struct list link; /* private */
    void (*run)(struct deferred *work);
};

void deferred_init(struct deferred *work, void (*run)(struct deferred *work));
/* Queues it; does nothing when it is queued already. From inside run() it goes into the next pass;
 * until the queue is empty the loop does not block. */
void loop_defer(struct loop *loop, struct deferred *work);
/* The same, but it runs before any other deferred work does, what is queued already included: for
 * what must be on the disk before anybody hears of it. */
void loop_defer_first(struct loop *loop, struct deferred *work);
/* Safe when not queued. run() may cancel, and then free, any item, its own included. */
void deferred_cancel(struct deferred *work);

#endif
