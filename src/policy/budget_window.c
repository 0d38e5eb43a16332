/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of a cell: slots, one of them current.
 *
 *   current ───────────────┐
 *                          v
 *   chunks  [ 18 ][ 19 ][ 20 ][ 13 ] ─> [ . ][ . ] …   ids of windows, in no order
 *
 * An older window lives on while it has holds open or, in a rolling budget, while it counts; else its
 * slot is used anew. When there is none to use, a chunk is added: so there are at most as many slots as
 * holds in flight, and a few.
 *
 * Invariants: `current` points at the slot with the highest id. A slot's id changes only under the
 * mutex, only while the slot is not current, and only upwards.
 *
 * Memory order. Using a slot anew while others reach for it needs order. A pin writes open_holds, then
 * reads the id; roll-over writes the id, then reads open_holds; all four sequentially consistent. So at
 * least one sees the other: the pin sees a changed id and lets go, or the roll-over sees the pin and
 * leaves the slot alone. A settlement changes the sums before it lowers open_holds, whose zero roll-over
 * reads, and the new sums are written before the new id.
 */
#include "budget_private.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>

/* Ids that no window has. */
#define ID_NONE      INT64_MIN       /* never used */
#define ID_RECYCLING (INT64_MIN + 1) /* roll-over is looking whether the slot is quiet */

static struct slot_chunk *new_chunk(size_t count)
{
    struct slot_chunk *chunk = memory_new(sizeof(*chunk) + count * sizeof(struct window_slot));
    chunk->count = count;
    for (size_t i = 0; i < count; i++)
        atomic_init(&chunk->slots[i].id, ID_NONE);
    return chunk;
}

void budget_cell_init_slots(struct budget_cell *cell)
{
    cell->chunks = new_chunk(SLOTS_FIRST);
    atomic_init(&cell->current, &cell->chunks->slots[0]);
}

void budget_cell_free_slots(struct budget_cell *cell)
{
    struct slot_chunk *next;
    for (struct slot_chunk *chunk = cell->chunks; chunk != NULL; chunk = next) {
        /* A hold that outlives its cell would write into freed memory. */
        for (size_t i = 0; i < chunk->count; i++)
            ASSERT(atomic_load(&chunk->slots[i].open_holds) == 0);
        next = atomic_load(&chunk->next);
        free(chunk);
    }
}

/* ---- rolling on ---- */

/* A rolling slot's sums count until its window has passed; then they are subtracted once. A settlement
 * in between adds to the total first and takes from it last, so the total is never too small. */
static void expire(struct budget_cell *cell, struct window_slot *slot)
{
    for (size_t unit = 0; unit < BUDGET_UNITS; unit++) {
        _Atomic int64_t *const own[] = {&slot->own[unit].committed, &slot->own[unit].spent,
                                        &slot->own[unit].uncertain};
        _Atomic int64_t *const total[] = {&cell->total[unit].committed, &cell->total[unit].spent,
                                          &cell->total[unit].uncertain};
        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
            int64_t gone = atomic_exchange(own[i], SUM_EXPIRED);
            int64_t sum = atomic_load(total[i]);
            while (gone != SUM_EXPIRED && gone != 0 && sum != SUM_FULL &&
                   !atomic_compare_exchange_weak(total[i], &sum, budget_add(sum, -gone)))
                ;
        }
    }
}

/* Whether a window still counts at the time of window `at`. */
static bool counts(const struct budget_cell *cell, int64_t id, int64_t at)
{
    return cell->rolling ? id >= at - WINDOW_SLOTS : id >= at;
}

static bool is_window(int64_t id)
{
    return id != ID_NONE && id != ID_RECYCLING;
}

static void expire_before(struct budget_cell *cell, int64_t at)
{
    for (struct slot_chunk *chunk = cell->chunks; chunk != NULL; chunk = atomic_load(&chunk->next))
        for (size_t i = 0; i < chunk->count; i++) {
            int64_t id = atomic_load(&chunk->slots[i].id);
            if (is_window(id) && !counts(cell, id, at))
                expire(cell, &chunk->slots[i]);
        }
}

/* ---- slots ---- */

/* Marks the slot, and gives the mark up when a hold is open there. */
static bool try_recycle(struct window_slot *slot, int64_t new_id)
{
    int64_t old_id = atomic_load(&slot->id);
    atomic_store(&slot->id, ID_RECYCLING);
    if (atomic_load(&slot->open_holds) != 0) {
        atomic_store(&slot->id, old_id);
        return false;
    }
    for (size_t unit = 0; unit < BUDGET_UNITS; unit++) {
        atomic_store_explicit(&slot->own[unit].committed, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->own[unit].spent, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->own[unit].uncertain, 0, memory_order_relaxed);
    }
    atomic_store(&slot->id, new_id);
    return true;
}

/* The oldest slot that is quiet, and neither current nor counting at `at`; NULL: there is none. */
static struct window_slot *quiet_slot(struct budget_cell *cell, int64_t at)
{
    struct window_slot *current = atomic_load(&cell->current);
    struct window_slot *oldest = NULL;
    int64_t oldest_id = INT64_MAX;
    for (struct slot_chunk *chunk = cell->chunks; chunk != NULL; chunk = atomic_load(&chunk->next))
        for (size_t i = 0; i < chunk->count; i++) {
            struct window_slot *slot = &chunk->slots[i];
            int64_t id = atomic_load(&slot->id);
            if (slot != current && id < oldest_id && !(is_window(id) && counts(cell, id, at)) &&
                atomic_load(&slot->open_holds) == 0) {
                oldest = slot;
                oldest_id = id;
            }
        }
    return oldest;
}

static void add_chunk(struct budget_cell *cell)
{
    struct slot_chunk *last = cell->chunks;
    while (atomic_load(&last->next) != NULL)
        last = atomic_load(&last->next);
    atomic_store(&last->next, new_chunk(SLOTS_MORE));
}

/* A slot for window `id`, at the time of window `at`. */
static struct window_slot *make_slot(struct budget_cell *cell, int64_t id, int64_t at)
{
    for (;;) {
        struct window_slot *slot = quiet_slot(cell, at);
        if (slot == NULL)
            add_chunk(cell);
        else if (try_recycle(slot, id))
            return slot;
    }
}

/* Unless a window at least as new has begun. */
static void open_window(struct budget_cell *cell, int64_t wanted)
{
    pthread_mutex_lock(&cell->mutex);
    if (atomic_load(&atomic_load(&cell->current)->id) < wanted) {
        if (cell->rolling)
            expire_before(cell, wanted);
        atomic_store(&cell->current, make_slot(cell, wanted, wanted));
    }
    pthread_mutex_unlock(&cell->mutex);
    budget_cell_wake(cell);
}

/* ---- pins ---- */

/* False when the slot is another window's by now. */
static bool pin_slot(struct hold *hold, struct window_slot *slot, int64_t id)
{
    hold->slot = slot;
    hold->window_id = id;
    atomic_fetch_add(&slot->open_holds, 1);
    if (atomic_load(&slot->id) == id)
        return true;
    budget_cell_unpin(hold);
    return false;
}

bool budget_cell_pin_current(struct hold *hold, int64_t wanted)
{
    for (;;) {
        struct window_slot *slot = atomic_load(&hold->cell->current);
        int64_t id = atomic_load(&slot->id);
        /* A slot under roll-over is not current (any more): read `current` again. */
        if (id == ID_RECYCLING)
            continue;
        if (id < wanted)
            return false;
        if (pin_slot(hold, slot, id))
            return true;
    }
}

void budget_cell_pin(struct hold *hold, int64_t wanted)
{
    while (!budget_cell_pin_current(hold, wanted))
        open_window(hold->cell, wanted);
}

void budget_cell_unpin(const struct hold *hold)
{
    int64_t before = atomic_fetch_sub(&hold->slot->open_holds, 1);
    ASSERT(before > 0);
}

bool budget_cell_pin_exact(struct hold *hold, int64_t id, bool make)
{
    struct budget_cell *cell = hold->cell;
    int64_t current = atomic_load(&atomic_load(&cell->current)->id);
    for (struct slot_chunk *chunk = cell->chunks; chunk != NULL; chunk = atomic_load(&chunk->next))
        for (size_t i = 0; i < chunk->count; i++)
            if (atomic_load(&chunk->slots[i].id) == id)
                return pin_slot(hold, &chunk->slots[i], id);
    if (!make || (is_window(current) && !counts(cell, id, current)))
        return false;
    if (id > current) {
        if (cell->rolling)
            expire_before(cell, id);
        struct window_slot *slot = make_slot(cell, id, id);
        atomic_store(&cell->current, slot);
        return pin_slot(hold, slot, id);
    }
    return pin_slot(hold, make_slot(cell, id, current), id);
}
