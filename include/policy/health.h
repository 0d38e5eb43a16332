/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of one target: a breaker that stops asking a provider that fails, and tries again with
 * one request at a time.
 *
 *   CLOSED --HEALTH_FAILURES failures in a row--> OPEN --the rest is over--> HALF_OPEN
 *      ^                                           ^                            |
 *      |                                           '-- the probe fails: twice the rest
 *      '-------------------------- the probe succeeds -------------------------'
 *
 * A target that says "429, come again in S seconds" rests for that long whatever its state. A cell is
 * shared by all workers without locks and outlives snapshots; `now` is monotonic and passed in. Any thread.
 */
#ifndef POLICY_HEALTH_H
#define POLICY_HEALTH_H

#include "base/ref.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HEALTH_FAILURES      5
#define HEALTH_REST_FIRST_NS 1000000000LL  /* 1 s */
#define HEALTH_REST_MOST_NS  30000000000LL /* 30 s */

enum health_state { HEALTH_CLOSED, HEALTH_HALF_OPEN, HEALTH_OPEN };

struct health_cell {
    struct ref ref;
    _Atomic int64_t failures;      /* in a row */
    _Atomic int64_t rest_until_ns; /* asks nothing before; 0: does not rest */
    _Atomic int64_t rest_ns;       /* the length of the last rest; doubles */
    _Atomic int64_t probe_ns;      /* when the probe under way was let through; 0: none */
    atomic_bool breached;          /* it has billed more than it was allowed to, see below */
};

struct health_cell *health_cell_new(void);
void health_cell_unref(struct health_cell **address);

enum health_state health_look(const struct health_cell *cell, int64_t now_ns);
/* How long it still rests; 0: it does not. */
int64_t health_left_ns(const struct health_cell *cell, int64_t now_ns);

/* Whether the target may be asked. In HALF_OPEN one caller gets true: the probe. Each true is
 * followed by one health_report (a probe that never reports is forgotten after a minute). */
bool health_permit(struct health_cell *cell, int64_t now_ns);

enum health_result {
    HEALTH_GOOD,    /* it answered */
    HEALTH_BAD,     /* no connection, a time-out, a broken answer, a 5xx */
    HEALTH_NEITHER, /* says nothing of it: the client left, a 4xx */
};
void health_report(struct health_cell *cell, enum health_result result, int64_t now_ns);
/* It asked for a pause (429 with Retry-After). At most HEALTH_REST_MOST_NS. */
void health_rest(struct health_cell *cell, int64_t pause_ns, int64_t now_ns);

/* It has billed more than the bound: no budget with `hold: bound` may be spent on it until somebody has
 * acknowledged that. True when that was not known yet. */
bool health_note_breach(struct health_cell *cell);
bool health_is_breached(const struct health_cell *cell);
void health_acknowledge(struct health_cell *cell);

#endif
