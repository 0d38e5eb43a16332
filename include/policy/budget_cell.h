/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell of one budget, or of one subject under it: sums by window, which all workers share without
 * locks.
 *
 *   limit |------------------------------------------------------------|
 *         [ spent ............ | uncertain .. | held by requests ..|   ]
 *         '----------------- committed -----------------------'
 *
 * There are two such gates, nano-dollars and tokens; either may be open (no limit), and then nothing is
 * counted there. Windows never go back: when the clock does, the later one stays. Any thread.
 */
#ifndef POLICY_BUDGET_CELL_H
#define POLICY_BUDGET_CELL_H

#include "base/list.h"
#include "policy/ladder.h"
#include "policy/window.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum budget_unit { BUDGET_NUSD, BUDGET_TOKENS };
#define BUDGET_UNITS    2
#define BUDGET_NO_LIMIT (-1)

struct budget_cell;

/* The limit in dollars of a new cell is 0, so it grants nothing that costs; in tokens it has none. The
 * name is copied; with the window's text and a unit it names the cell's sums in the ledger. */
struct budget_cell *budget_cell_new(const char *name, const struct window_rule *rule);
struct budget_cell *budget_cell_ref(struct budget_cell *cell);
/* Accepts NULL. When the last reference goes, no hold may be open (asserted). */
void budget_cell_unref(struct budget_cell **cell);
const char *budget_cell_name(const struct budget_cell *cell);
/* "day", "24h": as window_text(). */
const char *budget_cell_window(const struct budget_cell *cell);

/* Acts at once, also on the window that is open; a limit below what is committed only refuses.
 * BUDGET_NO_LIMIT, or not negative (asserted). INT64_MAX counts as one less: a sum that reaches it is
 * no longer known. */
void budget_cell_set_limit(struct budget_cell *cell, enum budget_unit unit, int64_t limit);

struct budget_sums {
    int64_t limit; /* BUDGET_NO_LIMIT: none, and the others are 0 */
    int64_t committed;
    int64_t spent;
    int64_t uncertain;
    int64_t held; /* committed − spent − uncertain, never negative */
};

struct budget_view {
    int64_t window_id;
    int64_t reset_wall_ns; /* when the window ends; 0: never */
    int64_t limit_nusd;    /* of dollars as struct budget_sums has them */
    int64_t committed_nusd;
    int64_t spent_nusd;
    int64_t uncertain_nusd;
    int64_t held_nusd;
    struct budget_sums tokens;
};
/* The window of wall_ns, or a later one that has begun. Begins none itself. Each sum is exact at a
 * moment of its own; committed is never seen without the spend that it holds. */
void budget_cell_look(struct budget_cell *cell, const struct window_rule *rule, int64_t wall_ns,
                      struct budget_view *view);

/* ---- for the ledger ---- */

/* Puts back what was spent and uncertain in a window before a restart; adds where there is something
 * already. A window that counts no more, since a later one has begun, is passed over. */
void budget_cell_restore(struct budget_cell *cell, const struct window_rule *rule,
                         enum budget_unit unit, int64_t window_id, int64_t spent,
                         int64_t uncertain);
/* Of what is uncertain in a window `amount` is settled: `cost` of it was spent, the rest is free. Does
 * nothing when the window counts no more. */
void budget_cell_resolve(struct budget_cell *cell, enum budget_unit unit, int64_t window_id,
                         int64_t amount, int64_t cost);
/* A pointer of the ledger's for each unit, kept with the cell; NULL at first. */
const void *budget_cell_mark(const struct budget_cell *cell, enum budget_unit unit);
void budget_cell_set_mark(struct budget_cell *cell, enum budget_unit unit, const void *mark);

/* ---- waiting for room ---- */

/*
 * Waiters stand in a cell's queue in order of arrival, and nobody overtakes them. The first one is
 * woken when a hold ends, a limit rises or a window begins; it tries again, and leaves or stays. When
 * it leaves, the next one is woken.
 *
 *   BUSY ──> start ──> reserve again at once ──> (BUSY: wait) ──wake──> reserve … ──> end
 *
 * The struct is the caller's, zeroed, and rests where it is until `end`.
 */
struct budget_waiter {
    struct list link;         /* private, as the next one */
    struct budget_cell *cell; /* in whose queue it stands, with a reference; NULL: in none */
    atomic_bool woken; /* set before wake() is called; the caller clears it before it tries */
    /* Called on the thread that made room, with the queue locked: it only passes the word on (to an
     * inbox), and calls nothing here. NULL: nobody needs to be told. */
    void (*wake)(void *argument);
    void *argument;
};
void budget_wait_start(struct budget_waiter *waiter, struct budget_cell *cell);
/* Does nothing when it stands in no queue. */
void budget_wait_end(struct budget_waiter *waiter);

/* ---- the ladder ---- */

/* How the spend of its window stands on the ladder's steps; keeps what hysteresis and trips need. */
void budget_cell_ladder(struct budget_cell *cell, const struct window_rule *rule,
                        const struct ladder *ladder, struct ladder_now now,
                        struct ladder_view *view);
/* Takes one request from what a throttled budget lets through a minute. */
bool budget_cell_throttle(struct budget_cell *cell, int64_t requests_per_minute, int64_t mono_ns,
                          struct rate_view *view);
void budget_cell_throttle_back(struct budget_cell *cell);

#endif
