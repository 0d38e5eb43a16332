/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker of a budget: a ladder of steps by the share that is spent, and a trip when spend runs too
 * fast for the window.
 *
 *   CLOSED ─80%─> WARN ─90%─> THROTTLE ─95%─> DOWNGRADE ─100%─> OPEN
 *
 * All steps up to the highest one reached are in force. A step that was reached is left when spend falls
 * below 95 % of its threshold (a rolling window passed on, or uncertain charges were resolved); a new
 * window and a new limit begin afresh. The way out of OPEN leads over one probe: while it is in flight,
 * all else that costs is refused.
 *
 * A burn rate of F over T trips when what was spent in the last T is F times the pace at which the limit
 * would last for the window; it holds for its cool-down, and again while the pace is over F / 2.
 *
 * State is a few atomics in the budget's cell. A race between two requests can move a trip by one
 * request, which harms nobody: the limit itself is held elsewhere. Any thread.
 */
#ifndef POLICY_LADDER_H
#define POLICY_LADDER_H

#include "policy/limit.h"
#include "policy/window.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ladder_state { LADDER_CLOSED, LADDER_WARN, LADDER_THROTTLE, LADDER_DOWNGRADE, LADDER_OPEN };
/* "closed", "warn", "throttle", "downgrade", "open": as x-weir-breaker says it. */
const char *ladder_state_name(enum ladder_state state);

enum ladder_reason { LADDER_NO_REASON, LADDER_SPEND, LADDER_BURN_RATE };

#define LADDER_MAX_STEPS 16
#define LADDER_MILLION   1000000

struct ladder_step {
    int64_t at_millionths; /* of the limit; rising */
    enum ladder_state action;
    int64_t requests_per_minute; /* of LADDER_THROTTLE */
};

struct ladder_burn {
    int64_t over_ns; /* 0: none */
    int64_t factor_millionths;
    enum ladder_state action;
    int64_t requests_per_minute;
    int64_t cool_down_ns;
};

/* From the configuration; in the snapshot. */
struct ladder {
    const struct ladder_step *steps;
    size_t count;
    struct ladder_burn burn;
};

static inline bool ladder_is_empty(const struct ladder *ladder)
{
    return ladder->count == 0 && ladder->burn.over_ns == 0;
}

struct ladder_now {
    int64_t wall_ns; /* for windows */
    int64_t mono_ns; /* for paces and cool-downs */
};

struct ladder_view {
    enum ladder_state state;
    enum ladder_reason reason;   /* of the state */
    bool downgrade;              /* some step in force says so */
    bool reject;                 /* a step or the burn rate refuses what costs */
    bool half_open;              /* no longer, but what costs passes one at a time */
    int64_t requests_per_minute; /* throttled to; 0: not */
    int64_t reset_wall_ns;       /* when it may be better; 0: not known */
};

/* ---- of a cell ---- */

/* Spend in a unit that has a limit. */
struct ladder_spend {
    int64_t limit; /* negative: none */
    int64_t spent;
};
#define LADDER_UNITS 2

#define LADDER_BURN_SLOTS 12 /* of the burn rate's `over` */

struct ladder_cell {
    _Atomic int64_t fresh; /* fingerprint of window and limits that `rung` belongs to */
    atomic_int rung;       /* steps that are in force */
    atomic_int probe;      /* enum in ladder.c */
    atomic_bool was_open;
    atomic_int open_reason;           /* enum ladder_reason, of the last OPEN */
    _Atomic int64_t tripped_until_ns; /* monotonic; 0: it is not */
    struct {
        _Atomic int64_t id; /* over / LADDER_BURN_SLOTS each */
        _Atomic int64_t spent[LADDER_UNITS];
    } burn[LADDER_BURN_SLOTS];
    struct rate_cell throttle;
};

/* `window_id`: of the spend; a rolling window's always the same. reset_wall_ns: when the window ends. */
void ladder_look(struct ladder_cell *cell, const struct ladder *ladder, int64_t window_id,
                 int64_t window_length_ns, const struct ladder_spend spend[LADDER_UNITS],
                 int64_t reset_wall_ns, struct ladder_now now, struct ladder_view *view);
/* What was spent just now. */
void ladder_note(struct ladder_cell *cell, const struct ladder *ladder, int64_t mono_ns,
                 const int64_t spent[LADDER_UNITS]);
/* While half open: whether this request is the probe. Each true is followed by one of the two below. */
bool ladder_take_probe(struct ladder_cell *cell);
void ladder_return_probe(struct ladder_cell *cell); /* it was not sent */
void ladder_end_probe(struct ladder_cell *cell);    /* what it spent is noted */

#endif
