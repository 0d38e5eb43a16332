/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations: the same request held in every budget over it.
 *
 * A plan (budget_plan.c) is made from the sums as they are read, then tried by compare-exchange budget
 * by budget. The reading may be stale: then a take fails, what was taken is given back, and a new plan
 * is made. So the sums that were read decide only how much is asked for, never whether a limit holds.
 */
#include "budget_plan.h"
#include "budget_private.h"
#include "policy/subjects.h"

#include "base/assert.h"

/* Lost races before a request is told that others hold the money. */
#define MAX_ROUNDS 8

const char *budget_observed_name(enum budget_observed observed)
{
    static const char *const names[OBSERVED_KINDS] = {"nothing", "spent", "busy", "reject",
                                                      "clamp"};
    return names[observed];
}

/* ---- pins ---- */

static const struct budget_facts no_facts;

static const struct budget_facts *facts_of(const struct budget_wish *wish)
{
    return wish->facts != NULL ? wish->facts : &no_facts;
}

/* The cell of the request's subject; false: there is no place for a new one. */
static bool find_cell(const struct budget *budget, const struct budget_wish *wish, int64_t wall_ns,
                      struct hold *hold)
{
    *hold = (struct hold){.budget = budget, .cell = budget->cell};
    if (budget->subjects == NULL)
        return true;
    hold->cell = budget_subjects_cell(budget->subjects, budget_subject(budget->per, facts_of(wish)),
                                      budget->max_subjects, &budget->window, wall_ns);
    hold->owns_cell = hold->cell != NULL;
    return hold->owns_cell;
}

static void unpin(struct hold *hold)
{
    if (hold->probe)
        ladder_return_probe(budget_cell_ladder_state(hold->cell));
    budget_cell_unpin(hold);
    if (hold->owns_cell)
        budget_cell_unref(&hold->cell);
}

static void unpin_all(struct reservation *reservation)
{
    while (reservation->count > 0)
        unpin(&reservation->holds[--reservation->count]);
}

/* Fixes the window of each budget, and the limits to be kept, for all rounds. A budget that only
 * observes is passed over where it has no place for the subject. */
static bool pin_all(const struct budget *const *path, size_t count, const struct budget_wish *wish,
                    int64_t wall_ns, struct reservation *out, const struct budget **by)
{
    for (size_t i = 0; i < count; i++) {
        struct hold *hold = &out->holds[out->count];
        if (!find_cell(path[i], wish, wall_ns, hold)) {
            *by = path[i];
            if (path[i]->observe)
                continue;
            return false;
        }
        budget_cell_pin(hold, window_at(&path[i]->window, wall_ns));
        for (size_t unit = 0; unit < BUDGET_UNITS; unit++)
            hold->limits[unit] =
                atomic_load_explicit(&hold->cell->limits[unit], memory_order_relaxed);
        out->observed[out->count++] = OBSERVED_NOTHING;
    }
    return true;
}

/* ---- the ladder ---- */

/* Whether the ladder lets something that costs pass; while it is half open, takes the probe. */
static bool pass_ladder(struct hold *hold, const struct budget_wish *wish, int64_t wall_ns)
{
    const struct budget *budget = hold->budget;
    struct ladder_view view;
    if (ladder_is_empty(&budget->ladder))
        return true;
    budget_cell_pinned_ladder(hold, (struct ladder_now){wall_ns, wish->mono_ns}, &view);
    if (view.half_open && !view.reject)
        hold->probe = ladder_take_probe(budget_cell_ladder_state(hold->cell));
    return !view.reject && (!view.half_open || hold->probe);
}

static bool pass_ladders(struct reservation *out, const struct budget_wish *wish, int64_t wall_ns,
                         const struct budget **by)
{
    for (size_t i = 0; i < out->count; i++) {
        struct hold *hold = &out->holds[i];
        if (pass_ladder(hold, wish, wall_ns))
            continue;
        if (hold->budget->observe) {
            out->observed[i] = OBSERVED_REJECT;
            continue;
        }
        *by = hold->budget;
        return false;
    }
    return true;
}

/* ---- taking ---- */

static void give_back_until(struct reservation *reservation, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        struct hold *hold = &reservation->holds[i];
        for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
            if (hold->amounts[unit] > 0)
                budget_cell_give_back(hold, unit, hold->amounts[unit]);
            hold->amounts[unit] = 0;
        }
        budget_cell_wake(hold->cell);
    }
}

/* Both units; false, and nothing is held, when one has no room. */
static bool take(struct hold *hold, const struct plan *plan)
{
    const struct budget *budget = hold->budget;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        int64_t amount =
            hold->limits[unit] == BUDGET_NO_LIMIT ? 0 : plan->amounts[budget->hold][unit];
        if (!budget_cell_take(hold, unit, amount, budget->observe)) {
            if (unit > 0)
                budget_cell_give_back(hold, 0, hold->amounts[0]);
            hold->amounts[0] = 0;
            return false;
        }
        hold->amounts[unit] = amount;
    }
    return true;
}

/* All or nothing; on failure *refused is the first that had no room. */
static bool take_all(struct reservation *reservation, const struct plan *plan, size_t *refused)
{
    for (size_t i = 0; i < reservation->count; i++) {
        if (take(&reservation->holds[i], plan))
            continue;
        *refused = i;
        give_back_until(reservation, i);
        return false;
    }
    return true;
}

/* Plans and takes until a plan holds, a budget refuses, or the races are lost. *at: the hold that
 * decided a refusal. */
static enum budget_verdict reserve_pinned(const struct budget_wish *wish, int64_t wall_ns,
                                          struct reservation *out, const struct budget **by,
                                          size_t *at)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        struct plan plan;
        enum budget_verdict verdict = budget_plan(out, wish, &plan, at);
        if (verdict == BUDGET_GRANTED && round == 0 && plan.costs &&
            !pass_ladders(out, wish, wall_ns, by))
            return BUDGET_REJECTED;
        *by = out->holds[*at].budget;
        if (verdict != BUDGET_GRANTED)
            return verdict;
        if (take_all(out, &plan, at)) {
            out->amount_nusd = plan.amounts[BUDGET_HOLD_BOUND][BUDGET_NUSD];
            out->amount_tokens = plan.amounts[BUDGET_HOLD_BOUND][BUDGET_TOKENS];
            out->output_tokens = plan.output_tokens;
            out->covered_tokens = plan.covered_tokens;
            out->open = true;
            return BUDGET_GRANTED;
        }
        *by = out->holds[*at].budget;
    }
    return BUDGET_BUSY;
}

enum budget_verdict budget_reserve(const struct budget *const *path, size_t count,
                                   const struct budget_wish *wish, int64_t wall_ns,
                                   struct reservation *out, const struct budget **by,
                                   struct budget_cell **busy)
{
    ASSERT(count <= BUDGET_MAX_PATH);
    ASSERT(wish->input_tokens >= 0 && wish->choices >= 1 && wish->output_tokens >= 0);
    *by = NULL;
    if (busy != NULL)
        *busy = NULL;
    out->count = 0;
    out->amount_nusd = out->amount_tokens = 0;
    out->output_tokens = out->covered_tokens = wish->output_tokens;
    out->open = false;

    enum budget_verdict verdict = BUDGET_CROWDED;
    size_t at = 0;
    if (pin_all(path, count, wish, wall_ns, out, by)) {
        out->open = out->count == 0;
        verdict = out->open ? BUDGET_GRANTED : reserve_pinned(wish, wall_ns, out, by, &at);
    }
    if (verdict == BUDGET_GRANTED) {
        *by = NULL;
        return verdict;
    }
    if (verdict == BUDGET_BUSY && busy != NULL)
        *busy = budget_cell_ref(out->holds[at].cell);
    unpin_all(out);
    return verdict;
}

bool budget_extend(struct reservation *reservation, const struct budget_wish *wish,
                   int64_t output_tokens)
{
    struct plan plan;
    int64_t more[BUDGET_MAX_PATH][BUDGET_UNITS] = {{0}};
    ASSERT(reservation->open && output_tokens <= reservation->output_tokens);
    if (output_tokens <= reservation->covered_tokens)
        return true;
    if (!budget_plan_extend(wish, output_tokens, &plan))
        return false;
    for (size_t i = 0; i < reservation->count; i++) {
        struct hold *hold = &reservation->holds[i];
        if (hold->budget->hold != BUDGET_HOLD_TOPUP)
            continue;
        for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
            int64_t whole = plan.amounts[BUDGET_HOLD_TOPUP][unit];
            if (hold->limits[unit] == BUDGET_NO_LIMIT || whole <= hold->amounts[unit])
                continue;
            more[i][unit] = whole - hold->amounts[unit];
            if (budget_cell_take(hold, unit, more[i][unit], hold->budget->observe))
                continue;
            more[i][unit] = 0;
            for (size_t j = 0; j <= i; j++)
                for (enum budget_unit back = 0; back < BUDGET_UNITS; back++)
                    budget_cell_give_back(&reservation->holds[j], back, more[j][back]);
            return false;
        }
    }
    for (size_t i = 0; i < reservation->count; i++)
        for (size_t unit = 0; unit < BUDGET_UNITS; unit++)
            reservation->holds[i].amounts[unit] += more[i][unit];
    reservation->covered_tokens = output_tokens;
    return true;
}

/* ---- settling ---- */

/* Of a hold that was less than the bound only what is left of it stays. */
static int64_t uncertain_of(const struct hold *hold, enum budget_unit unit, int64_t cost,
                            int64_t uncertain)
{
    if (hold->budget->release_uncertain)
        return 0;
    if (hold->budget->hold == BUDGET_HOLD_BOUND)
        return uncertain;
    int64_t rest = hold->amounts[unit] > cost ? hold->amounts[unit] - cost : 0;
    return uncertain < rest ? uncertain : rest;
}

static void charge_of(const struct hold *hold, enum budget_unit unit,
                      const struct budget_charge *charge, int64_t *cost, int64_t *uncertain)
{
    *cost = unit == BUDGET_NUSD ? charge->cost_nusd : charge->tokens;
    *uncertain = uncertain_of(
        hold, unit, *cost, unit == BUDGET_NUSD ? charge->uncertain_nusd : charge->uncertain_tokens);
}

static void settle(struct hold *hold, const struct budget_charge *charge)
{
    const struct budget *budget = hold->budget;
    int64_t spent[BUDGET_UNITS] = {0};
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        int64_t uncertain;
        if (hold->limits[unit] == BUDGET_NO_LIMIT)
            continue;
        charge_of(hold, unit, charge, &spent[unit], &uncertain);
        budget_cell_settle(hold, unit, spent[unit], uncertain);
    }
    if (!ladder_is_empty(&budget->ladder)) {
        struct ladder_cell *ladder = budget_cell_ladder_state(hold->cell);
        ladder_note(ladder, &budget->ladder, charge->mono_ns, spent);
        if (hold->probe)
            ladder_end_probe(ladder);
        hold->probe = false;
    }
    budget_cell_wake(hold->cell);
    unpin(hold);
}

void budget_settle(struct reservation *reservation, const struct budget_charge *charge)
{
    ASSERT(reservation->open);
    ASSERT(charge->cost_nusd >= 0 && charge->uncertain_nusd >= 0);
    ASSERT(charge->tokens >= 0 && charge->uncertain_tokens >= 0);
    reservation->open = false;
    for (size_t i = 0; i < reservation->count; i++)
        settle(&reservation->holds[i], charge);
}

size_t budget_parts(const struct reservation *reservation, const struct budget_charge *charge,
                    struct budget_part parts[BUDGET_MAX_PARTS])
{
    size_t count = 0;
    ASSERT(reservation->open);
    for (size_t i = 0; i < reservation->count; i++) {
        const struct hold *hold = &reservation->holds[i];
        int64_t end = window_end(&hold->budget->window, hold->window_id);
        for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
            if (hold->limits[unit] == BUDGET_NO_LIMIT)
                continue;
            struct budget_part *part = &parts[count++];
            *part = (struct budget_part){
                .cell = hold->cell,
                .unit = unit,
                .window_id = hold->window_id,
                .window_end_wall_ns = hold->budget->window.kind == WINDOW_TOTAL ? INT64_MAX : end,
                .limit = hold->limits[unit],
                .amount = hold->amounts[unit],
                .bound = hold->budget->hold == BUDGET_HOLD_BOUND && !hold->budget->observe};
            if (charge != NULL)
                charge_of(hold, unit, charge, &part->cost, &part->uncertain);
        }
    }
    return count;
}
