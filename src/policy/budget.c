/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations: how much a request gets, and the same hold in every budget over it.
 *
 * A plan is made from the sums as they are read, then tried by compare-exchange budget by budget.
 * The reading may be stale: then a take fails, what was taken is given back, and a new plan is
 * made. So the sums that were read decide only how much is asked for, never whether a limit holds.
 */
#include "policy/budget.h"

#include "base/assert.h"
#include "budget_cell.h"

/* Lost races before a request is told that others hold the money. */
#define MAX_ROUNDS 8

struct plan {
    int64_t output_tokens; /* a choice */
    int64_t amount_nusd;   /* their bound with the input: the hold in each budget */
};

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What the wish costs at most with this many output tokens a choice; false: more than int64_t. */
static bool bound(const struct budget_wish *wish, int64_t output_tokens, int64_t *nusd)
{
    int64_t output;
    return !__builtin_mul_overflow(output_tokens, wish->choices, &output) &&
           price_bound(wish->price, &wish->scope, wish->input_tokens, output, nusd);
}

static int64_t affordable(const struct budget_wish *wish, int64_t nusd)
{
    return nusd < 0 ? -1
                    : price_affordable_output(wish->price, &wish->scope, wish->input_tokens,
                                              wish->choices, nusd);
}

/* Never none where some are wished: providers refuse a limit of 0, or take it for no limit. */
static int64_t least_output(const struct budget_wish *wish)
{
    return min_i64(max_i64(wish->min_output_tokens, 1), wish->output_tokens);
}

/* The least room on a path, and where. */
struct tightest {
    struct budget_room room;
    const struct budget *left_by;
    const struct budget *free_by;
};

static struct tightest find_tightest(const struct budget *const *path,
                                     const struct reservation *reservation)
{
    struct tightest tightest = {.room = {.left = INT64_MAX, .free = INT64_MAX}};
    for (size_t i = 0; i < reservation->count; i++) {
        struct budget_room room = budget_cell_room(&reservation->holds[i]);
        if (room.left < tightest.room.left) {
            tightest.room.left = room.left;
            tightest.left_by = path[i];
        }
        if (room.free < tightest.room.free) {
            tightest.room.free = room.free;
            tightest.free_by = path[i];
        }
    }
    return tightest;
}

static enum budget_verdict make_plan(const struct budget *const *path,
                                     const struct reservation *reservation,
                                     const struct budget_wish *wish, struct plan *plan,
                                     const struct budget **by)
{
    int64_t need;
    int64_t least = least_output(wish);
    plan->output_tokens = wish->output_tokens;
    if (bound(wish, plan->output_tokens, &plan->amount_nusd) && plan->amount_nusd == 0)
        return BUDGET_GRANTED;

    /* No limit reaches INT64_MAX, so what cannot be counted is never affordable. */
    if (!bound(wish, least, &need))
        need = INT64_MAX;
    struct tightest tightest = find_tightest(path, reservation);
    bool spent = tightest.room.left < need; /* in any of them: waiting would not help */
    *by = spent ? tightest.left_by : tightest.free_by;
    if (spent)
        return BUDGET_SPENT;
    if (tightest.room.free < need)
        return BUDGET_BUSY;

    /* One amount for all: the tightest budget sets it, and every max_hold. */
    int64_t most = affordable(wish, min_i64(tightest.room.left, tightest.room.free));
    for (size_t i = 0; i < reservation->count; i++)
        most = min_i64(most, max_i64(affordable(wish, path[i]->max_hold_nusd), least));
    plan->output_tokens = min_i64(plan->output_tokens, most);
    bool bounded = bound(wish, plan->output_tokens, &plan->amount_nusd);
    ASSERT(bounded && plan->output_tokens >= least);
    return BUDGET_GRANTED;
}

/* Fixes the window of each budget for all rounds; on failure *by is the one that had no slot. */
static bool pin_all(const struct budget *const *path, size_t count, int64_t wall_ns,
                    struct reservation *out, const struct budget **by)
{
    for (out->count = 0; out->count < count; out->count++) {
        const struct budget *budget = path[out->count];
        struct hold *hold = &out->holds[out->count];
        *hold = (struct hold){.cell = budget->cell, .release_uncertain = budget->release_uncertain};
        if (!budget_cell_pin(hold, wall_ns)) {
            *by = budget;
            return false;
        }
    }
    return true;
}

static void unpin_all(struct reservation *reservation)
{
    while (reservation->count > 0)
        budget_cell_unpin(&reservation->holds[--reservation->count]);
}

/* All or nothing; on failure *refused is the first that had no room. */
static bool take_all(const struct reservation *reservation, int64_t amount_nusd, size_t *refused)
{
    for (size_t i = 0; i < reservation->count; i++) {
        if (budget_cell_take(&reservation->holds[i], amount_nusd))
            continue;
        *refused = i;
        while (i > 0)
            budget_cell_give_back(&reservation->holds[--i], amount_nusd);
        return false;
    }
    return true;
}

/* Plans and takes until a plan holds, a budget refuses, or the races are lost. */
static enum budget_verdict reserve_pinned(const struct budget *const *path,
                                          const struct budget_wish *wish, struct reservation *out,
                                          const struct budget **by)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        struct plan plan;
        size_t refused;
        enum budget_verdict verdict = make_plan(path, out, wish, &plan, by);
        if (verdict != BUDGET_GRANTED)
            return verdict;
        if (take_all(out, plan.amount_nusd, &refused)) {
            out->amount_nusd = plan.amount_nusd;
            out->output_tokens = plan.output_tokens;
            out->open = true;
            return BUDGET_GRANTED;
        }
        *by = path[refused];
    }
    return BUDGET_BUSY;
}

enum budget_verdict budget_reserve(const struct budget *const *path, size_t count,
                                   const struct budget_wish *wish, int64_t wall_ns,
                                   struct reservation *out, const struct budget **by)
{
    ASSERT(count <= BUDGET_MAX_PATH);
    ASSERT(wish->input_tokens >= 0 && wish->choices >= 1 && wish->output_tokens >= 0);
    *by = NULL;
    out->count = 0;
    out->amount_nusd = 0;
    out->output_tokens = wish->output_tokens;
    out->open = count == 0;
    if (count == 0)
        return BUDGET_GRANTED;

    ASSERT(wish->price->known);
    enum budget_verdict verdict = BUDGET_BUSY;
    if (pin_all(path, count, wall_ns, out, by))
        verdict = reserve_pinned(path, wish, out, by);
    if (verdict == BUDGET_GRANTED)
        *by = NULL;
    else
        unpin_all(out);
    return verdict;
}

void budget_settle(struct reservation *reservation, int64_t cost_nusd, int64_t uncertain_nusd)
{
    ASSERT(reservation->open);
    ASSERT(cost_nusd >= 0 && uncertain_nusd >= 0);
    reservation->open = false;
    for (size_t i = 0; i < reservation->count; i++) {
        const struct hold *hold = &reservation->holds[i];
        budget_cell_settle(hold, reservation->amount_nusd, cost_nusd,
                           hold->release_uncertain ? 0 : uncertain_nusd);
    }
}
