/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate and concurrency limits: cells that all workers share without locks. A rate is a GCRA (the
 * generic cell rate algorithm, ITU-T I.371) whose burst is one minute's worth: one atomic
 * theoretical arrival time. A gauge counts what is in flight. Cells outlive snapshots; a reload
 * sets their figures anew and keeps their state. Any thread.
 */
#ifndef POLICY_LIMIT_H
#define POLICY_LIMIT_H

#include "base/ref.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RATE_MOST_PER_MINUTE 60000000000LL /* one a nanosecond */

struct rate_cell {
    struct ref ref;
    _Atomic int64_t per_minute; /* 0: no limit */
    _Atomic int64_t arrival_ns; /* theoretical arrival time, monotonic */
};

struct rate_view {
    int64_t limit;     /* requests or tokens a minute; 0: none */
    int64_t remaining; /* that may come now */
    int64_t reset_ns;  /* until the limit is whole again */
    int64_t retry_ns;  /* until what was asked for may come; 0: now */
};

struct gauge_cell {
    struct ref ref;
    _Atomic int64_t limit; /* 0: no limit */
    _Atomic int64_t count;
};

struct rate_cell *rate_cell_new(void);
struct gauge_cell *gauge_cell_new(void);
/* Both accept NULL. The last reference to a gauge goes when nobody is inside (asserted). */
void rate_cell_unref(struct rate_cell **cell);
void gauge_cell_unref(struct gauge_cell **cell);

/* Not negative (asserted). A rate over RATE_MOST_PER_MINUTE counts as that. */
void rate_cell_set(struct rate_cell *cell, int64_t per_minute);
void gauge_cell_set(struct gauge_cell *cell, int64_t limit);

/* Takes one; false when there is none to take (then nothing changed). *view as after the try. */
bool rate_take(struct rate_cell *cell, int64_t now_ns, struct rate_view *view);
/* Gives back what rate_take took, when a later limit refused the request. (Where the rate was set
 * anew in between, one request's room at the new rate.) */
void rate_give_back(struct rate_cell *cell);

/* Tokens a minute: takes `amount` at once (≥ 0), or a whole minute's where it is more than that: a
 * request larger than the limit is let in when the line is free. False when there is no room. */
bool rate_take_many(struct rate_cell *cell, int64_t amount, int64_t now_ns, struct rate_view *view);
/* What was taken as `taken` came to `used`: gives the rest back, or takes what is over, into the
 * time to come if need be. (Where the rate was set anew in between, at the new rate.) */
void rate_correct(struct rate_cell *cell, int64_t taken, int64_t used);
void rate_look(const struct rate_cell *cell, int64_t now_ns, struct rate_view *view);

/* False at the limit. Each true is matched by one gauge_leave (asserted). */
bool gauge_enter(struct gauge_cell *cell);
void gauge_leave(struct gauge_cell *cell);

#endif
