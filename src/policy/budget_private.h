/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one hold may do to the cell of one budget; budget.c arranges these along a path. Private to
 * policy. The life of a hold:
 *
 *   pin ──> take … ──> settle
 *    │        └────> give_back ──> unpin
 *    └───────────────────────────> unpin
 *
 * A pin keeps the window's slot from being used for another window. Any thread.
 */
#ifndef POLICY_BUDGET_PRIVATE_H
#define POLICY_BUDGET_PRIVATE_H

#include "base/ref.h"
#include "policy/budget.h"

#include <pthread.h>

/* A sum that has reached it stays there: what was added beyond is unknown. Only charges far above
 * their holds can get there, as no limit, hence no hold, does. */
#define SUM_FULL INT64_MAX
/* A slot's own sum that counts no more: its rolling window has passed on. */
#define SUM_EXPIRED INT64_MIN

struct sums {
    _Atomic int64_t committed;
    _Atomic int64_t spent;
    _Atomic int64_t uncertain;
};

struct window_slot {
    _Atomic int64_t id;         /* of the window, or one of budget_window.c's two */
    _Atomic int64_t open_holds; /* and pins */
    struct sums own[BUDGET_UNITS];
};

#define SLOTS_FIRST 4
#define SLOTS_MORE  12

/* Slots are never moved nor freed before their cell is: holds point at them. */
struct slot_chunk {
    _Atomic(struct slot_chunk *) next;
    size_t count;
    struct window_slot slots[];
};

struct budget_cell {
    struct ref ref;
    bool rolling;
    _Atomic int64_t limits[BUDGET_UNITS];
    _Atomic(struct window_slot *) current;
    _Atomic(const struct budget_waiter *) first; /* of `waiters`; for comparing only */
    _Atomic(struct ladder_cell *) ladder;        /* NULL: not needed so far */
    struct sums total[BUDGET_UNITS];             /* rolling: of the slots that count */
    pthread_mutex_t mutex;                       /* of opening windows, and of the queue */
    struct slot_chunk *chunks;
    struct list waiters;
    _Atomic(const void *) marks[BUDGET_UNITS];
    char *name;
    char window[WINDOW_TEXT_SIZE];
};

/* ---- windows (budget_window.c) ---- */

void budget_cell_init_slots(struct budget_cell *cell);
void budget_cell_free_slots(struct budget_cell *cell);

/* Pins window `wanted`, or a later one that has begun already, in hold->cell; fills slot and
 * window_id. */
void budget_cell_pin(struct hold *hold, int64_t wanted);
/* Pins the current window; false when it is older than `wanted`. */
bool budget_cell_pin_current(struct hold *hold, int64_t wanted);
void budget_cell_unpin(const struct hold *hold);
/* Pins just that window, made for it when a rolling one still has a place there; false: it counts no
 * more. With the mutex. */
bool budget_cell_pin_exact(struct hold *hold, int64_t id, bool make);

/* The sums that a limit is held against: the window's own, or those of all slots that count. */
static inline struct sums *budget_cell_gate(struct budget_cell *cell, struct window_slot *slot,
                                            enum budget_unit unit)
{
    return cell->rolling ? &cell->total[unit] : &slot->own[unit];
}

/* ---- money and tokens (budget_cell.c) ---- */

/* The sums against the limit, each at a moment of its own. Both may be negative. */
struct budget_room {
    int64_t left; /* limit − spent − uncertain */
    int64_t free; /* limit − committed */
};
/* False where the unit has no limit. */
bool budget_cell_room(const struct hold *hold, enum budget_unit unit, struct budget_room *room);

/* Adds to committed if that stays within the limit (or in any case); false, and nothing changed,
 * otherwise. */
bool budget_cell_take(const struct hold *hold, enum budget_unit unit, int64_t amount,
                      bool in_any_case);
void budget_cell_give_back(const struct hold *hold, enum budget_unit unit, int64_t amount);
/* Ends what was held in that unit, not the pin. */
void budget_cell_settle(const struct hold *hold, enum budget_unit unit, int64_t cost,
                        int64_t uncertain);
/* Once room was made: the first waiter hears of it. */
void budget_cell_wake(struct budget_cell *cell);
/* Whether others wait in the cell's queue, before `waiter` if that is not NULL. */
bool budget_cell_is_queued(struct budget_cell *cell, const struct budget_waiter *waiter);

/* The ladder as a request sees it that has pinned the window; without reset_wall_ns. */
void budget_cell_pinned_ladder(const struct hold *hold, struct ladder_now now,
                               struct ladder_view *view);
/* Its ladder's state, made at first. */
struct ladder_cell *budget_cell_ladder_state(struct budget_cell *cell);

/* sum + amount (of any sign), SUM_FULL when more, INT64_MIN + 1 when less. */
static inline int64_t budget_add(int64_t sum, int64_t amount)
{
    int64_t result;
    if (!__builtin_add_overflow(sum, amount, &result))
        return result == SUM_EXPIRED ? SUM_EXPIRED + 1 : result;
    return amount > 0 ? SUM_FULL : SUM_EXPIRED + 1;
}

#endif
