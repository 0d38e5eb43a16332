/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of a cell. Invariant: committed = spent + uncertain + the holds, whenever no hold is being
 * ended; a rolling cell's total is the sum of the slots that count, or more while one of them changes.
 *
 * Memory order. committed is right by itself: a compare-exchange, whatever its order, sees the last
 * value of its object, so no two holds can take the same room. spent and uncertain grow before
 * committed shrinks (release), and are read after it (acquire): who sees the room that a settlement
 * made sees its spend. Waiters: who makes room writes committed, then reads `first`; who waits writes
 * `first`, then reads committed; all sequentially consistent, so one of them sees the other.
 *
 * Rolling: a slot's own sum and the total change one after the other, the larger value first: growth
 * begins with the total, shrinking with the slot. Meanwhile the slot may expire; then its own sum says
 * so, and what was added to the total is taken out again.
 */
#include "budget_private.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct budget_cell *budget_cell_new(const char *name, const struct window_rule *rule)
{
    struct budget_cell *cell = MEMORY_NEW(struct budget_cell);
    ref_init(&cell->ref);
    cell->rolling = rule->kind == WINDOW_ROLLING;
    cell->name = memory_string(name, strlen(name));
    window_text(rule, cell->window);
    pthread_mutex_init(&cell->mutex, NULL);
    list_init(&cell->waiters);
    atomic_init(&cell->limits[BUDGET_TOKENS], BUDGET_NO_LIMIT);
    budget_cell_init_slots(cell);
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
    ASSERT(list_empty(&last->waiters));
    budget_cell_free_slots(last);
    pthread_mutex_destroy(&last->mutex);
    free(atomic_load(&last->ladder));
    free(last->name);
    free(last);
}

const char *budget_cell_name(const struct budget_cell *cell)
{
    return cell->name;
}

const char *budget_cell_window(const struct budget_cell *cell)
{
    return cell->window;
}

const void *budget_cell_mark(const struct budget_cell *cell, enum budget_unit unit)
{
    return atomic_load_explicit(&cell->marks[unit], memory_order_acquire);
}

void budget_cell_set_mark(struct budget_cell *cell, enum budget_unit unit, const void *mark)
{
    atomic_store_explicit(&cell->marks[unit], mark, memory_order_release);
}

static int64_t limit_of(const struct budget_cell *cell, enum budget_unit unit)
{
    return atomic_load_explicit(&cell->limits[unit], memory_order_relaxed);
}

void budget_cell_set_limit(struct budget_cell *cell, enum budget_unit unit, int64_t limit)
{
    ASSERT(limit >= 0 || limit == BUDGET_NO_LIMIT);
    atomic_store(&cell->limits[unit], limit < SUM_FULL ? limit : SUM_FULL - 1);
    budget_cell_wake(cell);
}

/* ---- sums ---- */

/* False when the sum is a slot's that has expired. What is full stays full. */
static bool shift(_Atomic int64_t *sum, int64_t delta)
{
    int64_t now = atomic_load_explicit(sum, memory_order_relaxed);
    for (;;) {
        if (now == SUM_EXPIRED)
            return false;
        if (now == SUM_FULL || delta == 0)
            return true;
        int64_t next = budget_add(now, delta);
        ASSERT(next >= 0);
        if (atomic_compare_exchange_weak_explicit(sum, &now, next, memory_order_seq_cst,
                                                  memory_order_relaxed))
            return true;
    }
}

/* Of a slot and of what it counts in. */
static void shift_both(_Atomic int64_t *own, _Atomic int64_t *total, int64_t delta)
{
    if (own == total) {
        shift(own, delta);
    } else if (delta < 0) {
        if (shift(own, delta))
            shift(total, delta);
    } else if (shift(total, delta) && !shift(own, delta)) {
        shift(total, -delta);
    }
}

bool budget_cell_room(const struct hold *hold, enum budget_unit unit, struct budget_room *room)
{
    int64_t limit = hold->limits[unit];
    if (limit == BUDGET_NO_LIMIT)
        return false;
    struct sums *gate = budget_cell_gate(hold->cell, hold->slot, unit);
    limit = limit_of(hold->cell, unit);
    if (limit == BUDGET_NO_LIMIT) /* lifted just now */
        limit = SUM_FULL - 1;
    int64_t committed = atomic_load(&gate->committed);
    int64_t spent = atomic_load_explicit(&gate->spent, memory_order_relaxed);
    int64_t uncertain = atomic_load_explicit(&gate->uncertain, memory_order_relaxed);
    *room = (struct budget_room){
        .left = budget_add(budget_add(limit, -spent), -uncertain),
        .free = budget_add(limit, -committed),
    };
    return true;
}

/* Adds to the gate within the limit. */
static bool pass_gate(const struct hold *hold, enum budget_unit unit, _Atomic int64_t *committed,
                      int64_t amount)
{
    int64_t now = atomic_load_explicit(committed, memory_order_relaxed);
    do {
        int64_t limit = limit_of(hold->cell, unit);
        if (limit == BUDGET_NO_LIMIT)
            limit = SUM_FULL - 1;
        if (now > limit || amount > limit - now)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(committed, &now, now + amount,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool budget_cell_take(const struct hold *hold, enum budget_unit unit, int64_t amount,
                      bool in_any_case)
{
    _Atomic int64_t *own = &hold->slot->own[unit].committed;
    _Atomic int64_t *gate = &budget_cell_gate(hold->cell, hold->slot, unit)->committed;
    /* Nothing costs nothing, also where a breach or a lowered limit has left less than that. */
    if (amount == 0)
        return true;
    if (in_any_case) {
        shift_both(own, gate, amount);
        return true;
    }
    if (!pass_gate(hold, unit, gate, amount))
        return false;
    if (own == gate || shift(own, amount))
        return true;
    shift(gate, -amount); /* a slot that counts no more cannot grow */
    return false;
}

void budget_cell_give_back(const struct hold *hold, enum budget_unit unit, int64_t amount)
{
    shift_both(&hold->slot->own[unit].committed,
               &budget_cell_gate(hold->cell, hold->slot, unit)->committed, -amount);
}

void budget_cell_settle(const struct hold *hold, enum budget_unit unit, int64_t cost,
                        int64_t uncertain)
{
    struct sums *own = &hold->slot->own[unit];
    struct sums *gate = budget_cell_gate(hold->cell, hold->slot, unit);
    if (cost > 0)
        shift_both(&own->spent, &gate->spent, cost);
    if (uncertain > 0)
        shift_both(&own->uncertain, &gate->uncertain, uncertain);
    int64_t delta = budget_add(cost - hold->amounts[unit], uncertain);
    if (delta != 0)
        shift_both(&own->committed, &gate->committed, delta);
}

/* ---- display ---- */

static struct budget_sums sums_of(int64_t limit, int64_t committed, int64_t spent,
                                  int64_t uncertain)
{
    int64_t known = budget_add(spent, uncertain);
    return (struct budget_sums){.limit = limit,
                                .committed = committed,
                                .spent = spent,
                                .uncertain = uncertain,
                                .held = committed > known ? committed - known : 0};
}

static struct budget_sums read_sums(int64_t limit, const struct sums *sums)
{
    int64_t committed = atomic_load_explicit(&sums->committed, memory_order_acquire);
    int64_t spent = atomic_load_explicit(&sums->spent, memory_order_relaxed);
    return sums_of(limit, committed, spent,
                   atomic_load_explicit(&sums->uncertain, memory_order_relaxed));
}

/* A rolling window that nobody has asked for yet: what of the earlier slots still counts. */
static struct budget_sums sum_slots(struct budget_cell *cell, enum budget_unit unit, int64_t limit,
                                    int64_t wanted)
{
    int64_t committed = 0, spent = 0, uncertain = 0;
    for (struct slot_chunk *chunk = cell->chunks; chunk != NULL; chunk = atomic_load(&chunk->next))
        for (size_t i = 0; i < chunk->count; i++) {
            const struct window_slot *slot = &chunk->slots[i];
            struct budget_sums own = read_sums(limit, &slot->own[unit]);
            if (atomic_load(&slot->id) < wanted - WINDOW_SLOTS || own.committed < 0 ||
                own.spent < 0 || own.uncertain < 0)
                continue;
            committed = budget_add(committed, own.committed);
            spent = budget_add(spent, own.spent);
            uncertain = budget_add(uncertain, own.uncertain);
        }
    return sums_of(limit, committed, spent, uncertain);
}

static struct budget_sums look_at(const struct hold *hold, bool pinned, enum budget_unit unit,
                                  int64_t wanted)
{
    int64_t limit = limit_of(hold->cell, unit);
    if (limit == BUDGET_NO_LIMIT)
        return (struct budget_sums){.limit = BUDGET_NO_LIMIT};
    if (pinned)
        return read_sums(limit, budget_cell_gate(hold->cell, hold->slot, unit));
    if (hold->cell->rolling)
        return sum_slots(hold->cell, unit, limit, wanted);
    /* A window that no request has opened yet is empty; looking opens none. */
    return (struct budget_sums){.limit = limit};
}

void budget_cell_look(struct budget_cell *cell, const struct window_rule *rule, int64_t wall_ns,
                      struct budget_view *view)
{
    int64_t wanted = window_at(rule, wall_ns);
    struct hold hold = {.cell = cell};
    bool pinned = budget_cell_pin_current(&hold, wanted);
    struct budget_sums nusd = look_at(&hold, pinned, BUDGET_NUSD, wanted);
    *view = (struct budget_view){.window_id = pinned ? hold.window_id : wanted,
                                 .limit_nusd = nusd.limit,
                                 .committed_nusd = nusd.committed,
                                 .spent_nusd = nusd.spent,
                                 .uncertain_nusd = nusd.uncertain,
                                 .held_nusd = nusd.held,
                                 .tokens = look_at(&hold, pinned, BUDGET_TOKENS, wanted)};
    if (pinned)
        budget_cell_unpin(&hold);
    view->reset_wall_ns = window_end(rule, view->window_id);
}

/* ---- the ledger's ---- */

void budget_cell_restore(struct budget_cell *cell, const struct window_rule *rule,
                         enum budget_unit unit, int64_t window_id, int64_t spent, int64_t uncertain)
{
    struct hold hold = {.cell = cell};
    ASSERT(spent >= 0 && uncertain >= 0 && cell->rolling == (rule->kind == WINDOW_ROLLING));
    pthread_mutex_lock(&cell->mutex);
    bool pinned = budget_cell_pin_exact(&hold, window_id, true);
    pthread_mutex_unlock(&cell->mutex);
    if (!pinned)
        return;
    budget_cell_settle(&hold, unit, spent, uncertain);
    budget_cell_unpin(&hold);
}

void budget_cell_resolve(struct budget_cell *cell, enum budget_unit unit, int64_t window_id,
                         int64_t amount, int64_t cost)
{
    struct hold hold = {.cell = cell};
    ASSERT(amount >= 0 && cost >= 0);
    pthread_mutex_lock(&cell->mutex);
    bool pinned = budget_cell_pin_exact(&hold, window_id, false);
    pthread_mutex_unlock(&cell->mutex);
    if (!pinned)
        return;
    struct sums *own = &hold.slot->own[unit];
    struct sums *gate = budget_cell_gate(cell, hold.slot, unit);
    int64_t kept = atomic_load(&own->uncertain);
    amount = kept == SUM_EXPIRED || amount < kept ? amount : kept;
    shift_both(&own->spent, &gate->spent, cost);
    shift_both(&own->uncertain, &gate->uncertain, -amount);
    shift_both(&own->committed, &gate->committed, cost - amount);
    budget_cell_unpin(&hold);
    budget_cell_wake(cell);
}

/* ---- the ladder ---- */

struct ladder_cell *budget_cell_ladder_state(struct budget_cell *cell)
{
    struct ladder_cell *state = atomic_load_explicit(&cell->ladder, memory_order_acquire);
    if (state != NULL)
        return state;
    struct ladder_cell *made = MEMORY_NEW(struct ladder_cell);
    if (atomic_compare_exchange_strong(&cell->ladder, &state, made))
        return made;
    free(made);
    return state;
}

void budget_cell_ladder(struct budget_cell *cell, const struct window_rule *rule,
                        const struct ladder *ladder, struct ladder_now now,
                        struct ladder_view *view)
{
    struct budget_view sums;
    budget_cell_look(cell, rule, now.wall_ns, &sums);
    struct ladder_spend spend[LADDER_UNITS] = {
        [BUDGET_NUSD] = {sums.limit_nusd, sums.spent_nusd},
        [BUDGET_TOKENS] = {sums.tokens.limit, sums.tokens.spent},
    };
    ladder_look(budget_cell_ladder_state(cell), ladder, cell->rolling ? 0 : sums.window_id,
                window_length_ns(rule), spend, sums.reset_wall_ns, now, view);
}

void budget_cell_pinned_ladder(const struct hold *hold, struct ladder_now now,
                               struct ladder_view *view)
{
    const struct budget *budget = hold->budget;
    struct ladder_spend spend[LADDER_UNITS];
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++)
        spend[unit] = (struct ladder_spend){
            hold->limits[unit],
            atomic_load_explicit(&budget_cell_gate(hold->cell, hold->slot, unit)->spent,
                                 memory_order_relaxed)};
    ladder_look(budget_cell_ladder_state(hold->cell), &budget->ladder,
                hold->cell->rolling ? 0 : hold->window_id, window_length_ns(&budget->window), spend,
                0, now, view);
}

bool budget_cell_throttle(struct budget_cell *cell, int64_t requests_per_minute, int64_t mono_ns,
                          struct rate_view *view)
{
    struct rate_cell *rate = &budget_cell_ladder_state(cell)->throttle;
    if (atomic_load_explicit(&rate->per_minute, memory_order_relaxed) != requests_per_minute)
        rate_cell_set(rate, requests_per_minute);
    return rate_take(rate, mono_ns, view);
}

void budget_cell_throttle_back(struct budget_cell *cell)
{
    rate_give_back(&budget_cell_ladder_state(cell)->throttle);
}
