/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell of one budget: a limit and a ring of windows, one of them current.
 *
 *   current ───────────────┐
 *                          v
 *   slots   [ 18 ][ 19 ][ 20 ][ 13 ] …   ids of windows, in no order; an older one lives on while
 *                                        it has holds open, and is used anew when it has none
 *
 * Invariants: `current` names the slot with the highest id. A slot's id changes only under the
 * mutex, only while the slot is not current, and only upwards. committed = spent + uncertain + the
 * holds, whenever no hold is being ended.
 *
 * Memory order. committed is right by itself: a compare-exchange, whatever its order, sees the last
 * value of its object, so no two holds can take the same room. What needs order is using a slot
 * anew while others reach for it. A pin writes open_holds, then reads the id; roll-over writes the
 * id, then reads open_holds; all four sequentially consistent. So at least one sees the other: the
 * pin sees a changed id and lets go, or the roll-over sees the pin and leaves the slot alone. A
 * settlement changes the sums before it lowers open_holds, whose zero roll-over reads (release,
 * acquire), and the new sums are written before the new id. spent and uncertain grow before
 * committed shrinks (release), and are read after it (acquire): who sees the room that a settlement
 * made sees its spend.
 */
#include "budget_cell.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/money.h"
#include "base/ref.h"
#include "window.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SLOT_COUNT 8

/* Ids that no window has. */
#define ID_NONE      INT64_MIN       /* never used */
#define ID_RECYCLING (INT64_MIN + 1) /* roll-over is looking whether the slot is quiet */

/* A sum that has reached it stays there: what was added beyond is unknown. Only charges far above
 * their holds can get there, as no limit, hence no hold, does. */
#define SUM_FULL INT64_MAX

struct window_slot {
    _Atomic int64_t id; /* of the window, or one of the two above */
    _Atomic int64_t committed;
    _Atomic int64_t spent;
    _Atomic int64_t uncertain;
    _Atomic int64_t open_holds; /* and pins */
};

struct budget_cell {
    struct ref ref;
    enum window_kind kind;
    _Atomic int64_t limit;
    _Atomic uint32_t current;  /* a slot's index */
    pthread_mutex_t roll_over; /* taken once a window, and then only by those who come too early */
    struct window_slot slots[SLOT_COUNT];
};

struct budget_cell *budget_cell_new(enum window_kind kind)
{
    struct budget_cell *cell = MEMORY_NEW(struct budget_cell);
    ref_init(&cell->ref);
    cell->kind = kind;
    pthread_mutex_init(&cell->roll_over, NULL);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        atomic_init(&cell->slots[i].id, ID_NONE);
    return cell;
}

struct budget_cell *budget_cell_ref(struct budget_cell *cell)
{
    ref_take(&cell->ref);
    return cell;
}

void budget_cell_unref(struct budget_cell **cell)
{
    struct budget_cell *last = *cell;
    *cell = NULL;
    if (last == NULL || !ref_drop(&last->ref))
        return;
    /* A hold that outlives its cell would write into freed memory. */
    for (size_t i = 0; i < SLOT_COUNT; i++)
        ASSERT(atomic_load(&last->slots[i].open_holds) == 0);
    pthread_mutex_destroy(&last->roll_over);
    free(last);
}

void budget_cell_set_limit(struct budget_cell *cell, int64_t limit_nusd)
{
    ASSERT(limit_nusd >= 0);
    atomic_store_explicit(&cell->limit, limit_nusd < SUM_FULL ? limit_nusd : SUM_FULL - 1,
                          memory_order_relaxed);
}

/* ---- windows ---- */

/* Marks the slot, and gives the mark up when a hold is open there. */
static bool try_recycle(struct window_slot *slot, int64_t new_id)
{
    int64_t old_id = atomic_load(&slot->id);
    atomic_store(&slot->id, ID_RECYCLING);
    if (atomic_load(&slot->open_holds) != 0) {
        atomic_store(&slot->id, old_id);
        return false;
    }
    atomic_store_explicit(&slot->committed, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->spent, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->uncertain, 0, memory_order_relaxed);
    atomic_store(&slot->id, new_id);
    return true;
}

/* The slot with the lowest id that is not in the set; SLOT_COUNT when all are. */
static uint32_t oldest_slot(const struct budget_cell *cell, uint32_t excluded)
{
    uint32_t oldest = SLOT_COUNT;
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        if ((excluded & (1U << i)) != 0)
            continue;
        if (oldest == SLOT_COUNT ||
            atomic_load(&cell->slots[i].id) < atomic_load(&cell->slots[oldest].id))
            oldest = i;
    }
    return oldest;
}

/* Opens window `wanted` in the oldest quiet slot, unless a window at least as new has begun. */
static bool open_window_locked(struct budget_cell *cell, int64_t wanted)
{
    uint32_t current = atomic_load(&cell->current);
    if (atomic_load(&cell->slots[current].id) >= wanted)
        return true; /* another thread has opened it while we waited for the mutex */
    uint32_t excluded = 1U << current;
    for (;;) {
        uint32_t at = oldest_slot(cell, excluded);
        if (at == SLOT_COUNT)
            return false;
        if (try_recycle(&cell->slots[at], wanted)) {
            atomic_store(&cell->current, at);
            return true;
        }
        excluded |= 1U << at;
    }
}

static bool open_window(struct budget_cell *cell, int64_t wanted)
{
    pthread_mutex_lock(&cell->roll_over);
    bool open = open_window_locked(cell, wanted);
    pthread_mutex_unlock(&cell->roll_over);
    return open;
}

static struct window_slot *slot_of(const struct hold *hold)
{
    return &hold->cell->slots[hold->slot];
}

/* Pins the current window; false when it is older than `wanted`. */
static bool pin_current(struct hold *hold, int64_t wanted)
{
    struct budget_cell *cell = hold->cell;
    for (;;) {
        hold->slot = atomic_load(&cell->current);
        hold->window_id = atomic_load(&slot_of(hold)->id);
        /* A slot under roll-over is not current (any more): read `current` again. */
        if (hold->window_id == ID_RECYCLING)
            continue;
        if (hold->window_id < wanted)
            return false;
        atomic_fetch_add(&slot_of(hold)->open_holds, 1);
        if (atomic_load(&slot_of(hold)->id) == hold->window_id)
            return true;
        budget_cell_unpin(hold);
    }
}

bool budget_cell_pin(struct hold *hold, int64_t wall_ns)
{
    int64_t wanted = window_at(hold->cell->kind, wall_ns, NULL);
    while (!pin_current(hold, wanted))
        if (!open_window(hold->cell, wanted))
            return false;
    return true;
}

void budget_cell_unpin(const struct hold *hold)
{
    int64_t before = atomic_fetch_sub(&slot_of(hold)->open_holds, 1);
    ASSERT(before > 0);
}

/* ---- money ---- */

static int64_t add_or_fill(int64_t sum, int64_t amount)
{
    int64_t more;
    return money_add(sum, amount, &more) ? more : SUM_FULL;
}

/* a − b, b not negative, INT64_MIN when less. */
static int64_t subtract_or_floor(int64_t a, int64_t b)
{
    int64_t less;
    return money_add(a, -b, &less) ? less : INT64_MIN;
}

/* For spent and uncertain, which no decision about room depends on. */
static void grow(_Atomic int64_t *sum, int64_t amount)
{
    if (amount == 0)
        return;
    int64_t now = atomic_load_explicit(sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(sum, &now, add_or_fill(now, amount),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

struct budget_room budget_cell_room(const struct hold *hold)
{
    const struct window_slot *slot = slot_of(hold);
    int64_t limit = atomic_load_explicit(&hold->cell->limit, memory_order_relaxed);
    int64_t committed = atomic_load_explicit(&slot->committed, memory_order_acquire);
    int64_t spent = atomic_load_explicit(&slot->spent, memory_order_relaxed);
    int64_t uncertain = atomic_load_explicit(&slot->uncertain, memory_order_relaxed);
    return (struct budget_room){
        .left = subtract_or_floor(subtract_or_floor(limit, spent), uncertain),
        .free = subtract_or_floor(limit, committed),
    };
}

bool budget_cell_take(const struct hold *hold, int64_t amount_nusd)
{
    _Atomic int64_t *committed = &slot_of(hold)->committed;
    int64_t now = atomic_load_explicit(committed, memory_order_relaxed);
    do {
        /* Nothing costs nothing, also where a breach or a lowered limit has left less than that. */
        if (amount_nusd == 0)
            return true;
        int64_t limit = atomic_load_explicit(&hold->cell->limit, memory_order_relaxed);
        if (now > limit || amount_nusd > limit - now)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(committed, &now, now + amount_nusd,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Takes a hold out of committed and puts in what became of it. */
static void replace(const struct hold *hold, int64_t amount, int64_t cost, int64_t uncertain)
{
    _Atomic int64_t *committed = &slot_of(hold)->committed;
    int64_t now = atomic_load_explicit(committed, memory_order_relaxed);
    int64_t next;
    do {
        if (now == SUM_FULL) /* what was added beyond must not come out again */
            return;
        ASSERT(now >= amount);
        next = add_or_fill(add_or_fill(now - amount, cost), uncertain);
    } while (!atomic_compare_exchange_weak_explicit(committed, &now, next, memory_order_release,
                                                    memory_order_relaxed));
}

void budget_cell_give_back(const struct hold *hold, int64_t amount_nusd)
{
    replace(hold, amount_nusd, 0, 0);
}

void budget_cell_settle(const struct hold *hold, int64_t amount_nusd, int64_t cost_nusd,
                        int64_t uncertain_nusd)
{
    struct window_slot *slot = slot_of(hold);
    int64_t id = atomic_load(&slot->id);
    /* The pin has kept the slot; a roll-over may just be finding that out. */
    ASSERT(id == hold->window_id || id == ID_RECYCLING);
    grow(&slot->spent, cost_nusd);
    grow(&slot->uncertain, uncertain_nusd);
    replace(hold, amount_nusd, cost_nusd, uncertain_nusd);
    budget_cell_unpin(hold);
}

/* ---- display ---- */

void budget_look(struct budget_cell *cell, int64_t wall_ns, struct budget_view *view)
{
    int64_t wanted = window_at(cell->kind, wall_ns, NULL);
    struct hold hold = {.cell = cell};
    /* A window that no request has opened yet is empty; looking opens none. */
    *view = (struct budget_view){
        .window_id = wanted,
        .limit_nusd = atomic_load_explicit(&cell->limit, memory_order_relaxed),
    };
    if (pin_current(&hold, wanted)) {
        const struct window_slot *slot = slot_of(&hold);
        view->window_id = hold.window_id;
        view->committed_nusd = atomic_load_explicit(&slot->committed, memory_order_acquire);
        view->spent_nusd = atomic_load_explicit(&slot->spent, memory_order_relaxed);
        view->uncertain_nusd = atomic_load_explicit(&slot->uncertain, memory_order_relaxed);
        budget_cell_unpin(&hold);
    }
    int64_t known = add_or_fill(view->spent_nusd, view->uncertain_nusd);
    view->held_nusd = view->committed_nusd > known ? view->committed_nusd - known : 0;
    view->reset_wall_ns = window_end(cell->kind, view->window_id);
}
