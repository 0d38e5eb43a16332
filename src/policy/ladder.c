/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder. What the spend says is worked out anew at each look; kept are only the steps that are in
 * force until hysteresis lets them go, the trip, and the probe:
 *
 *   PROBE_NONE ──OPEN is left──> PROBE_WANTED ──a request takes it──> PROBE_FLYING ──it ends──┐
 *       ^              ^                └──────── it was not sent <───────┘                    │
 *       └──────────────┴── OPEN again, a new window ──────────────────────────────────────────┘
 */
#include "policy/ladder.h"

#include "base/assert.h"
#include "base/clock.h"

#define KEPT_MILLIONTHS (LADDER_MILLION / 100 * 95) /* of a step's threshold */

enum probe { PROBE_NONE, PROBE_WANTED, PROBE_FLYING };

const char *ladder_state_name(enum ladder_state state)
{
    static const char *const names[] = {"closed", "warn", "throttle", "downgrade", "open"};
    return names[state];
}

/* ---- steps ---- */

/* Whether some unit's spend is at that share of its limit. */
static bool reached(const struct ladder_spend spend[LADDER_UNITS], int64_t millionths)
{
    for (size_t i = 0; i < LADDER_UNITS; i++)
        if (spend[i].limit >= 0 &&
            (__int128)spend[i].spent * LADDER_MILLION >= (__int128)spend[i].limit * millionths)
            return true;
    return false;
}

static int64_t kept_at(const struct ladder_step *step)
{
    return (int64_t)((__int128)step->at_millionths * KEPT_MILLIONTHS / LADDER_MILLION);
}

/* Another window or limit is another matter: what was kept is forgotten. */
static void refresh(struct ladder_cell *cell, int64_t window_id,
                    const struct ladder_spend spend[LADDER_UNITS])
{
    uint64_t mixed = (uint64_t)window_id * 0x9E3779B97F4A7C15ULL;
    for (size_t i = 0; i < LADDER_UNITS; i++)
        mixed = (mixed ^ (uint64_t)spend[i].limit) * 0xBF58476D1CE4E5B9ULL + 1;
    if (atomic_load_explicit(&cell->fresh, memory_order_relaxed) == (int64_t)mixed)
        return;
    atomic_store(&cell->rung, 0);
    atomic_store(&cell->was_open, false);
    atomic_store(&cell->probe, PROBE_NONE);
    atomic_store(&cell->fresh, (int64_t)mixed);
}

static size_t climb(struct ladder_cell *cell, const struct ladder *ladder,
                    const struct ladder_spend spend[LADDER_UNITS])
{
    size_t rung = ladder->count;
    while (rung > 0 && !reached(spend, ladder->steps[rung - 1].at_millionths))
        rung--;
    size_t kept = (size_t)atomic_load_explicit(&cell->rung, memory_order_relaxed);
    if (kept == rung)
        return rung;
    if (kept > ladder->count)
        kept = ladder->count;
    while (kept > rung && !reached(spend, kept_at(&ladder->steps[kept - 1])))
        kept--;
    rung = kept > rung ? kept : rung;
    atomic_store_explicit(&cell->rung, (int)rung, memory_order_relaxed);
    return rung;
}

/* Of several the severest gives the state; each is in force. */
static void apply(struct ladder_view *view, enum ladder_state action, int64_t requests_per_minute,
                  enum ladder_reason reason, int64_t reset_wall_ns)
{
    if (action > view->state) {
        view->state = action;
        view->reason = reason;
        view->reset_wall_ns = reset_wall_ns;
    }
    if (action == LADDER_THROTTLE &&
        (view->requests_per_minute == 0 || requests_per_minute < view->requests_per_minute))
        view->requests_per_minute = requests_per_minute;
    view->downgrade |= action == LADDER_DOWNGRADE;
    view->reject |= action == LADDER_OPEN;
}

/* ---- burn rate ---- */

static int64_t burn_slot(const struct ladder_burn *burn, int64_t mono_ns)
{
    return mono_ns / (burn->over_ns / LADDER_BURN_SLOTS);
}

void ladder_note(struct ladder_cell *cell, const struct ladder *ladder, int64_t mono_ns,
                 const int64_t spent[LADDER_UNITS])
{
    if (ladder->burn.over_ns == 0)
        return;
    int64_t id = burn_slot(&ladder->burn, mono_ns) + 1; /* 0: never used */
    size_t at = (size_t)(id % LADDER_BURN_SLOTS);
    int64_t old = atomic_load(&cell->burn[at].id);
    if (old < id && atomic_compare_exchange_strong(&cell->burn[at].id, &old, id))
        for (size_t i = 0; i < LADDER_UNITS; i++)
            atomic_store(&cell->burn[at].spent[i], 0);
    for (size_t i = 0; i < LADDER_UNITS; i++)
        if (spent[i] != 0)
            atomic_fetch_add_explicit(&cell->burn[at].spent[i], spent[i], memory_order_relaxed);
}

/* Whether the spend of the last `over` is that multiple of the window's even pace. In milliseconds,
 * so that the products fit 128 bits. */
static bool burns(struct ladder_cell *cell, const struct ladder_burn *burn, int64_t length_ns,
                  const struct ladder_spend spend[LADDER_UNITS], int64_t mono_ns,
                  int64_t factor_millionths)
{
    int64_t now = burn_slot(burn, mono_ns) + 1;
    for (size_t unit = 0; unit < LADDER_UNITS; unit++) {
        __int128 sum = 0;
        if (spend[unit].limit < 0)
            continue;
        for (size_t i = 0; i < LADDER_BURN_SLOTS; i++)
            if (atomic_load_explicit(&cell->burn[i].id, memory_order_relaxed) >
                now - LADDER_BURN_SLOTS)
                sum += atomic_load_explicit(&cell->burn[i].spent[unit], memory_order_relaxed);
        if (sum > INT64_MAX)
            sum = INT64_MAX;
        if (sum > 0 &&
            sum * (length_ns / NS_PER_MS) * LADDER_MILLION >=
                (__int128)factor_millionths * spend[unit].limit * (burn->over_ns / NS_PER_MS))
            return true;
    }
    return false;
}

static void look_at_burn(struct ladder_cell *cell, const struct ladder_burn *burn,
                         int64_t length_ns, const struct ladder_spend spend[LADDER_UNITS],
                         struct ladder_now now, struct ladder_view *view)
{
    if (burn->over_ns == 0 || length_ns == 0)
        return;
    int64_t until = atomic_load_explicit(&cell->tripped_until_ns, memory_order_relaxed);
    if (until <= now.mono_ns) {
        int64_t factor = until == 0 ? burn->factor_millionths : burn->factor_millionths / 2;
        bool fast = burns(cell, burn, length_ns, spend, now.mono_ns, factor);
        if (!fast && until == 0)
            return;
        until = fast ? now.mono_ns + burn->cool_down_ns : 0;
        atomic_store_explicit(&cell->tripped_until_ns, until, memory_order_relaxed);
    }
    if (until != 0)
        apply(view, burn->action, burn->requests_per_minute, LADDER_BURN_RATE,
              now.wall_ns + (until - now.mono_ns));
}

/* ---- the way back ---- */

static void look_at_probe(struct ladder_cell *cell, struct ladder_view *view)
{
    if (view->reject) {
        int wanted = PROBE_WANTED;
        if (!atomic_load_explicit(&cell->was_open, memory_order_relaxed))
            atomic_store(&cell->was_open, true);
        atomic_store_explicit(&cell->open_reason, (int)view->reason, memory_order_relaxed);
        if (atomic_load_explicit(&cell->probe, memory_order_relaxed) == PROBE_WANTED)
            atomic_compare_exchange_strong(&cell->probe, &wanted, PROBE_NONE);
        return;
    }
    int none = PROBE_NONE;
    if (atomic_load_explicit(&cell->was_open, memory_order_relaxed) &&
        atomic_exchange(&cell->was_open, false))
        atomic_compare_exchange_strong(&cell->probe, &none, PROBE_WANTED);
    if (atomic_load_explicit(&cell->probe, memory_order_relaxed) == PROBE_NONE)
        return;
    int reason = atomic_load_explicit(&cell->open_reason, memory_order_relaxed);
    view->state = LADDER_OPEN;
    view->reason = (enum ladder_reason)reason;
    view->reset_wall_ns = 0;
    view->half_open = true;
}

bool ladder_take_probe(struct ladder_cell *cell)
{
    int wanted = PROBE_WANTED;
    return atomic_compare_exchange_strong(&cell->probe, &wanted, PROBE_FLYING);
}

void ladder_return_probe(struct ladder_cell *cell)
{
    int flying = PROBE_FLYING;
    atomic_compare_exchange_strong(&cell->probe, &flying, PROBE_WANTED);
}

void ladder_end_probe(struct ladder_cell *cell)
{
    int flying = PROBE_FLYING;
    atomic_compare_exchange_strong(&cell->probe, &flying, PROBE_NONE);
}

/* ---- looking ---- */

void ladder_look(struct ladder_cell *cell, const struct ladder *ladder, int64_t window_id,
                 int64_t window_length_ns, const struct ladder_spend spend[LADDER_UNITS],
                 int64_t reset_wall_ns, struct ladder_now now, struct ladder_view *view)
{
    ASSERT(ladder->count <= LADDER_MAX_STEPS);
    *view = (struct ladder_view){.state = LADDER_CLOSED};
    refresh(cell, window_id, spend);
    size_t rung = climb(cell, ladder, spend);
    for (size_t i = 0; i < rung; i++)
        apply(view, ladder->steps[i].action, ladder->steps[i].requests_per_minute, LADDER_SPEND,
              reset_wall_ns);
    look_at_burn(cell, &ladder->burn, window_length_ns, spend, now, view);
    look_at_probe(cell, view);
    /* All is spent: the gate refuses what costs, with no step's help. */
    if (view->state != LADDER_OPEN && reached(spend, LADDER_MILLION)) {
        view->state = LADDER_OPEN;
        view->reason = LADDER_SPEND;
        view->reset_wall_ns = reset_wall_ns;
    }
}
