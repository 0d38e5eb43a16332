/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans. The budgets of a path are taken together by unit and mode: of each group the one with the
 * least room decides, so that a plan costs the same however deep the tenant is.
 *
 *   wish ── max_hold ── what spend leaves ── (patient: busy | what is free) ──> output, amounts
 *
 * Those that only observe are judged apart, by the plan that the others make.
 */
#include "budget_plan.h"

#include "base/assert.h"
#include "budget_private.h"

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What the wish costs at most with this many output tokens a choice; false: more than int64_t. */
static bool bound(const struct budget_wish *wish, enum budget_unit unit, int64_t output_tokens,
                  int64_t *amount)
{
    int64_t output;
    if (__builtin_mul_overflow(output_tokens, wish->choices, &output))
        return false;
    if (unit == BUDGET_TOKENS)
        return !__builtin_add_overflow(output, wish->input_tokens, amount);
    return price_bound(wish->price, &wish->scope, wish->input_tokens, output, amount);
}

/* The most output a choice that costs no more; -1: not even none. */
static int64_t affordable(const struct budget_wish *wish, enum budget_unit unit, int64_t amount)
{
    if (amount < 0)
        return -1;
    if (unit == BUDGET_TOKENS)
        return amount < wish->input_tokens ? -1 : (amount - wish->input_tokens) / wish->choices;
    return price_affordable_output(wish->price, &wish->scope, wish->input_tokens, wish->choices,
                                   amount);
}

/* Never none where some are wished: providers refuse a limit of 0, or take it for no limit. */
static int64_t least_output(const struct budget_wish *wish)
{
    return min_i64(max_i64(wish->min_output_tokens, 1), wish->output_tokens);
}

/* The output that a budget of the mode holds for, when so much is granted. */
static int64_t held_output(const struct budget_wish *wish, enum budget_hold_mode mode,
                           int64_t granted)
{
    switch (mode) {
    case BUDGET_HOLD_TOPUP:
        return wish->streams ? min_i64(granted, BUDGET_TOPUP_TOKENS) : granted;
    case BUDGET_HOLD_LEARNED:
        return wish->learned_tokens > 0 ? min_i64(granted, wish->learned_tokens) : granted;
    case BUDGET_HOLD_BOUND:
        break;
    }
    return granted;
}

/* ---- the tightest of each group ---- */

struct tight {
    int64_t amount;
    size_t at;
};

struct group {
    bool used; /* some budget counts this unit */
    struct tight left;
    struct tight free[BUDGET_HOLD_MODES]; /* INT64_MAX: no budget of that mode */
    int64_t max_hold;
    size_t queued; /* the first with a queue that is to be joined; SIZE_MAX: none */
};

static void tighten(struct tight *tight, int64_t amount, size_t at)
{
    if (amount < tight->amount)
        *tight = (struct tight){amount, at};
}

static int64_t max_hold(const struct budget *budget, enum budget_unit unit)
{
    return unit == BUDGET_NUSD ? budget->max_hold_nusd : budget->max_hold_tokens;
}

static struct group gather(const struct reservation *reservation, const struct budget_wish *wish,
                           enum budget_unit unit)
{
    struct group group = {.left = {INT64_MAX, 0}, .max_hold = INT64_MAX, .queued = SIZE_MAX};
    for (size_t mode = 0; mode < BUDGET_HOLD_MODES; mode++)
        group.free[mode] = (struct tight){INT64_MAX, 0};
    for (size_t i = 0; i < reservation->count; i++) {
        const struct hold *hold = &reservation->holds[i];
        const struct budget *budget = hold->budget;
        struct budget_room room;
        if (budget->observe || !budget_cell_room(hold, unit, &room))
            continue;
        group.used = true;
        tighten(&group.left, room.left, i);
        tighten(&group.free[budget->hold], room.free, i);
        group.max_hold = min_i64(group.max_hold, max_hold(budget, unit));
        if (wish->patient && budget->wait_ms > 0 && group.queued == SIZE_MAX &&
            budget_cell_is_queued(hold->cell, wish->waiter))
            group.queued = i;
    }
    return group;
}

/* The hold of least free room that the least form does not fit in; SIZE_MAX: it fits in all. */
static size_t in_the_way(const struct group *group, const struct budget_wish *wish,
                         enum budget_unit unit, int64_t least)
{
    struct tight tightest = {INT64_MAX, SIZE_MAX};
    for (enum budget_hold_mode mode = 0; mode < BUDGET_HOLD_MODES; mode++) {
        int64_t need;
        if (!bound(wish, unit, held_output(wish, mode, least), &need))
            need = INT64_MAX;
        if (group->free[mode].amount < need)
            tighten(&tightest, group->free[mode].amount, group->free[mode].at);
    }
    return tightest.at;
}

/* ---- the plan ---- */

static bool costs(const struct budget_wish *wish, enum budget_unit unit)
{
    int64_t amount;
    return !bound(wish, unit, wish->output_tokens, &amount) || amount > 0;
}

/* Whether spend leaves room in every budget, also where holds are in the way of the least form. */
static enum budget_verdict judge(const struct group groups[BUDGET_UNITS],
                                 const struct budget_wish *wish, int64_t least, size_t *at)
{
    size_t busy = SIZE_MAX;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        int64_t need;
        if (!groups[unit].used)
            continue;
        /* No limit reaches INT64_MAX, so what cannot be counted is never affordable. */
        if (!bound(wish, unit, least, &need))
            need = INT64_MAX;
        if (groups[unit].left.amount < need) {
            *at = groups[unit].left.at;
            return BUDGET_SPENT;
        }
        if (busy == SIZE_MAX)
            busy = in_the_way(&groups[unit], wish, unit, least);
        if (busy == SIZE_MAX)
            busy = groups[unit].queued;
    }
    *at = busy != SIZE_MAX ? busy : 0;
    return busy != SIZE_MAX ? BUDGET_BUSY : BUDGET_GRANTED;
}

/* Cuts the output to what others' holds leave; false: a patient wish waits for *at instead. */
static bool cut_to_free(const struct reservation *reservation, const struct group *group,
                        const struct budget_wish *wish, enum budget_unit unit, int64_t *output,
                        size_t *at)
{
    for (enum budget_hold_mode mode = 0; mode < BUDGET_HOLD_MODES; mode++) {
        const struct tight *room = &group->free[mode];
        int64_t need;
        if (room->amount == INT64_MAX ||
            (bound(wish, unit, held_output(wish, mode, *output), &need) && need <= room->amount))
            continue;
        *at = room->at;
        if (wish->patient && reservation->holds[room->at].budget->wait_ms > 0)
            return false;
        *output = min_i64(*output, affordable(wish, unit, room->amount));
    }
    return true;
}

static bool fill(const struct budget_wish *wish, bool used, enum budget_unit unit, int64_t output,
                 struct plan *plan)
{
    bool bounded = true;
    for (enum budget_hold_mode mode = 0; used && mode < BUDGET_HOLD_MODES; mode++)
        bounded &= bound(wish, unit, held_output(wish, mode, output), &plan->amounts[mode][unit]);
    return bounded;
}

static bool has_price(const struct budget_wish *wish)
{
    return wish->price != NULL && wish->price->known;
}

/* Whether some budget of the path counts the unit. Those that only observe count no dollars where
 * there is no price; others must not be asked then (asserted). */
static bool is_counted(const struct reservation *reservation, const struct budget_wish *wish,
                       enum budget_unit unit)
{
    bool known = unit != BUDGET_NUSD || has_price(wish);
    bool counted = false;
    for (size_t i = 0; i < reservation->count; i++) {
        const struct hold *hold = &reservation->holds[i];
        if (hold->limits[unit] == BUDGET_NO_LIMIT)
            continue;
        ASSERT(known || hold->budget->observe);
        counted = true;
    }
    return counted && known;
}

static void cover(const struct reservation *reservation, const struct budget_wish *wish,
                  struct plan *plan)
{
    plan->covered_tokens = plan->output_tokens;
    for (size_t i = 0; i < reservation->count; i++)
        plan->covered_tokens = min_i64(
            plan->covered_tokens, reservation->holds[i].budget->hold == BUDGET_HOLD_TOPUP
                                      ? held_output(wish, BUDGET_HOLD_TOPUP, plan->output_tokens)
                                      : plan->output_tokens);
}

/* ---- those that only observe ---- */

static enum budget_observed observe(const struct hold *hold, const struct budget_wish *wish,
                                    const struct plan *plan, int64_t least)
{
    enum budget_observed worst = OBSERVED_NOTHING;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        struct budget_room room;
        int64_t need;
        if ((unit == BUDGET_NUSD && !has_price(wish)) || !costs(wish, unit) ||
            !budget_cell_room(hold, unit, &room))
            continue;
        if (!bound(wish, unit, least, &need))
            need = INT64_MAX;
        int64_t most = max_i64(max_hold(hold->budget, unit), need);
        if (room.left < need)
            return OBSERVED_SPENT;
        if (room.free < need)
            worst = OBSERVED_BUSY;
        else if (worst == OBSERVED_NOTHING &&
                 plan->amounts[hold->budget->hold][unit] > min_i64(room.free, most))
            worst = OBSERVED_CLAMP;
    }
    return worst;
}

/* ---- all of it ---- */

enum budget_verdict budget_plan(struct reservation *reservation, const struct budget_wish *wish,
                                struct plan *plan, size_t *at)
{
    struct group groups[BUDGET_UNITS] = {{.used = false}};
    bool counted[BUDGET_UNITS];
    int64_t least = least_output(wish);
    int64_t output = wish->output_tokens;
    *plan = (struct plan){.costs = false};
    *at = 0;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        counted[unit] = is_counted(reservation, wish, unit) && costs(wish, unit);
        plan->costs |= counted[unit];
        if (counted[unit])
            groups[unit] = gather(reservation, wish, unit);
    }
    enum budget_verdict verdict = judge(groups, wish, least, at);
    if (verdict != BUDGET_GRANTED)
        return verdict;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        int64_t whole;
        const struct group *group = &groups[unit];
        if (!group->used || (bound(wish, unit, output, &whole) &&
                             whole <= min_i64(group->left.amount, group->max_hold)))
            continue;
        output = min_i64(output, affordable(wish, unit, group->left.amount));
        output = min_i64(output, max_i64(affordable(wish, unit, group->max_hold), least));
    }
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++)
        if (groups[unit].used && !cut_to_free(reservation, &groups[unit], wish, unit, &output, at))
            return BUDGET_BUSY;
    plan->output_tokens = output;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++) {
        /* Dollars also where no budget is in them: what it may cost is told all the same. */
        bool wanted = counted[unit] || unit == BUDGET_TOKENS || has_price(wish);
        bool bounded = fill(wish, wanted, unit, output, plan);
        ASSERT(bounded || !groups[unit].used);
    }
    ASSERT(output >= least);
    cover(reservation, wish, plan);
    for (size_t i = 0; i < reservation->count; i++)
        if (reservation->holds[i].budget->observe)
            reservation->observed[i] = (uint8_t)observe(&reservation->holds[i], wish, plan, least);
    return BUDGET_GRANTED;
}

bool budget_plan_extend(const struct budget_wish *wish, int64_t output_tokens, struct plan *plan)
{
    *plan = (struct plan){.output_tokens = output_tokens};
    return bound(wish, BUDGET_TOKENS, output_tokens,
                 &plan->amounts[BUDGET_HOLD_TOPUP][BUDGET_TOKENS]) &&
           (!has_price(wish) || bound(wish, BUDGET_NUSD, output_tokens,
                                      &plan->amounts[BUDGET_HOLD_TOPUP][BUDGET_NUSD]));
}
