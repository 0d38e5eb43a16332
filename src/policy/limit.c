/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GCRA and gauges. With L requests a minute a request takes up the line for T = 60 s / L. `arrival`
 * is when the line would be free if all who were let in came evenly; a request is let in when, with
 * its own T added, that moment is at most L × T (a minute) ahead of now. T is rounded up to a
 * nanosecond, so a minute never sees more than L beyond the burst.
 *
 * Each cell is one word that decides alone: compare-exchange with relaxed order is enough, as no
 * other memory hangs on it.
 */
#include "policy/limit.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>

#define NS_PER_MINUTE (60 * NS_PER_S)

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* T. */
static int64_t spacing_ns(int64_t per_minute)
{
    return (NS_PER_MINUTE + per_minute - 1) / per_minute;
}

struct rate_cell *rate_cell_new(void)
{
    struct rate_cell *cell = MEMORY_NEW(struct rate_cell);
    ref_init(&cell->ref);
    return cell;
}

struct gauge_cell *gauge_cell_new(void)
{
    struct gauge_cell *cell = MEMORY_NEW(struct gauge_cell);
    ref_init(&cell->ref);
    return cell;
}

void rate_cell_unref(struct rate_cell **cell)
{
    struct rate_cell *last = *cell;
    *cell = NULL;
    if (last != NULL && ref_drop(&last->ref))
        free(last);
}

void gauge_cell_unref(struct gauge_cell **cell)
{
    struct gauge_cell *last = *cell;
    *cell = NULL;
    if (last != NULL && ref_drop(&last->ref)) {
        ASSERT(atomic_load(&last->count) == 0);
        free(last);
    }
}

void rate_cell_set(struct rate_cell *cell, int64_t per_minute)
{
    ASSERT(per_minute >= 0);
    atomic_store_explicit(&cell->per_minute,
                          per_minute < RATE_MOST_PER_MINUTE ? per_minute : RATE_MOST_PER_MINUTE,
                          memory_order_relaxed);
}

void gauge_cell_set(struct gauge_cell *cell, int64_t limit)
{
    ASSERT(limit >= 0);
    atomic_store_explicit(&cell->limit, limit, memory_order_relaxed);
}

/* The figures at a moment when the line is taken up to `arrival_ns`, for one who wants `amount`. */
static struct rate_view view_of(int64_t per_minute, int64_t arrival_ns, int64_t amount,
                                int64_t now_ns)
{
    if (per_minute == 0)
        return (struct rate_view){0};
    int64_t spacing = spacing_ns(per_minute);
    int64_t taken = max_i64(arrival_ns - now_ns, 0);
    int64_t room = per_minute * spacing - taken;
    return (struct rate_view){
        .limit = per_minute,
        .remaining = max_i64(room / spacing, 0),
        .reset_ns = taken,
        .retry_ns = max_i64(amount * spacing - room, 0),
    };
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool rate_take_many(struct rate_cell *cell, int64_t amount, int64_t now_ns, struct rate_view *view)
{
    int64_t per_minute = atomic_load_explicit(&cell->per_minute, memory_order_relaxed);
    int64_t arrival = atomic_load_explicit(&cell->arrival_ns, memory_order_relaxed);
    int64_t next;
    ASSERT(amount >= 0);
    *view = (struct rate_view){0};
    if (per_minute == 0)
        return true;
    amount = min_i64(amount, per_minute);
    do {
        /* A line that became free in the past is free now: unused time is not saved up. */
        *view = view_of(per_minute, arrival, amount, now_ns);
        if (view->remaining < amount)
            return false;
        next = max_i64(arrival, now_ns) + amount * spacing_ns(per_minute);
    } while (!atomic_compare_exchange_weak_explicit(&cell->arrival_ns, &arrival, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    *view = view_of(per_minute, next, 1, now_ns);
    return true;
}

bool rate_take(struct rate_cell *cell, int64_t now_ns, struct rate_view *view)
{
    return rate_take_many(cell, 1, now_ns, view);
}

/* A debt longer than this is a slip of somebody's figures: the line is not closed for longer. */
#define DEBT_MOST_NS (60 * NS_PER_MINUTE)

void rate_correct(struct rate_cell *cell, int64_t taken, int64_t used)
{
    int64_t per_minute = atomic_load_explicit(&cell->per_minute, memory_order_relaxed);
    ASSERT(taken >= 0 && used >= 0);
    if (per_minute == 0)
        return;
    __int128 delta_ns = ((__int128)used - min_i64(taken, per_minute)) * spacing_ns(per_minute);
    int64_t moved_ns = delta_ns > DEBT_MOST_NS ? DEBT_MOST_NS : (int64_t)delta_ns;
    atomic_fetch_add_explicit(&cell->arrival_ns, moved_ns, memory_order_relaxed);
}

void rate_give_back(struct rate_cell *cell)
{
    rate_correct(cell, 1, 0);
}

void rate_look(const struct rate_cell *cell, int64_t now_ns, struct rate_view *view)
{
    *view = view_of(atomic_load_explicit(&cell->per_minute, memory_order_relaxed),
                    atomic_load_explicit(&cell->arrival_ns, memory_order_relaxed), 1, now_ns);
}

bool gauge_enter(struct gauge_cell *cell)
{
    /* Adding first and taking back at the limit would refuse others in between. */
    int64_t count = atomic_load_explicit(&cell->count, memory_order_relaxed);
    do {
        int64_t limit = atomic_load_explicit(&cell->limit, memory_order_relaxed);
        if (limit > 0 && count >= limit)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&cell->count, &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void gauge_leave(struct gauge_cell *cell)
{
    int64_t before = atomic_fetch_sub_explicit(&cell->count, 1, memory_order_relaxed);
    ASSERT(before > 0);
}
