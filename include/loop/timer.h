/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers. Freeing one is immediate for its owner, although libuv closes the handle later. Loop
 * thread only.
 */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;

/* Not started. `fire` may stop, restart or free the timer. */
struct timer *timer_new(struct loop *loop, void (*fire)(void *argument), void *argument);
/* Stops it; `fire` is not called again. Accepts NULL. */
void timer_free(struct timer **address);

/* Once, after delay_ms of monotonic time, counted from the call in whole milliseconds; restarting
 * moves the deadline. A delay below 0 counts as 0. */
void timer_start(struct timer *timer, int64_t delay_ms);
/* Again and again, first after period_ms (at least 1). */
void timer_start_every(struct timer *timer, int64_t period_ms);
void timer_stop(struct timer *timer);
bool timer_active(const struct timer *timer);

#endif
