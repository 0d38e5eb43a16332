/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: each node of the path is entered whole (rate and gauge) or not at all, from the key
 * upwards, so that a refusal leaves the nodes below it to be undone in any order.
 */
#include "policy/lease.h"

#include "base/assert.h"
#include "policy/subjects.h"

/* On success *view is that of the node's rate (limit 0: it has none). Nothing is kept on failure.
 * */
static enum err enter_node(const struct allowance *node, int64_t now_ns, struct rate_view *view)
{
    *view = (struct rate_view){0};
    if (node->rate != NULL && !rate_take(node->rate, now_ns, view))
        return ERR_RATE_LIMITED;
    if (node->gauge == NULL || gauge_enter(node->gauge))
        return ERR_NONE;
    if (node->rate != NULL)
        rate_give_back(node->rate);
    return ERR_CONCURRENCY_LIMITED;
}

/* Undoes what enter_node did to the nodes from the key up to `end` (not included). */
static void leave_until(const struct key *key, const struct allowance *end)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    while ((node = subject_next(&walk)) != end) {
        if (node->rate != NULL)
            rate_give_back(node->rate);
        if (node->gauge != NULL)
            gauge_leave(node->gauge);
    }
}

/* No limit at all is the loosest; of two alike the first one met stays. */
static bool tighter(const struct rate_view *a, const struct rate_view *b)
{
    if (a->limit == 0 || b->limit == 0)
        return a->limit != 0;
    return a->remaining < b->remaining;
}

enum err lease_open(struct lease *lease, const struct key *key, int64_t now_ns)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    *lease = (struct lease){.key = key, .facts.key = span_from_string(key->id)};
    while ((node = subject_next(&walk)) != NULL) {
        struct rate_view view;
        enum err err = enter_node(node, now_ns, &view);
        if (err != ERR_NONE) {
            leave_until(key, node);
            lease->rate = err == ERR_RATE_LIMITED ? view : (struct rate_view){0};
            return err;
        }
        if (tighter(&view, &lease->rate))
            lease->rate = view;
    }
    lease->open = true;
    return ERR_NONE;
}

/* Undoes lease_take_tokens on the nodes from the key up to `end` (not included). */
static void correct_until(const struct key *key, const struct allowance *end, int64_t taken,
                          int64_t used)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    while ((node = subject_next(&walk)) != end)
        if (node->tokens != NULL)
            rate_correct(node->tokens, taken, used);
}

enum err lease_take_tokens(struct lease *lease, int64_t tokens, int64_t now_ns)
{
    struct subject_walk walk = subject_walk(lease->key);
    const struct allowance *node;
    ASSERT(lease->open && !lease->tokens_open);
    while ((node = subject_next(&walk)) != NULL) {
        struct rate_view view;
        if (node->tokens == NULL)
            continue;
        if (!rate_take_many(node->tokens, tokens, now_ns, &view)) {
            correct_until(lease->key, node, tokens, 0);
            lease->token_rate = view;
            return ERR_TOKENS_LIMITED;
        }
        if (tighter(&view, &lease->token_rate))
            lease->token_rate = view;
    }
    lease->tokens_taken = tokens;
    lease->tokens_open = true;
    return ERR_NONE;
}

void lease_settle_tokens(struct lease *lease, int64_t used)
{
    if (!lease->tokens_open)
        return;
    lease->tokens_open = false;
    correct_until(lease->key, NULL, lease->tokens_taken, used);
}

/* ---- ladders ---- */

/* The cell of the request's subject, with a reference; NULL: it has spent nothing yet. */
static struct budget_cell *cell_of(const struct lease *lease, const struct budget *budget)
{
    if (budget->subjects == NULL)
        return budget_cell_ref(budget->cell);
    return budget_subjects_find(budget->subjects, budget_subject(budget->per, &lease->facts));
}

/* A place among those that a throttled budget lets through; true where it has no cell to count in. */
static bool pass_throttle(struct lease *lease, const struct budget *budget,
                          const struct ladder_view *view, int64_t mono_ns)
{
    struct rate_view rate;
    struct budget_cell *cell = cell_of(lease, budget);
    bool passed =
        cell == NULL || budget_cell_throttle(cell, view->requests_per_minute, mono_ns, &rate);
    if (cell != NULL && (!passed || tighter(&rate, &lease->throttle)))
        lease->throttle = rate;
    budget_cell_unref(&cell);
    return passed;
}

/* Gives back what the first `count` budgets' throttles took. */
static void leave_throttles(const struct lease *lease, const struct budget *const *path,
                            const bool *taken, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct budget_cell *cell = taken[i] ? cell_of(lease, path[i]) : NULL;
        if (cell != NULL)
            budget_cell_throttle_back(cell);
        budget_cell_unref(&cell);
    }
}

enum err lease_climb(struct lease *lease, struct ladder_now now, const struct budget **by,
                     void (*observe)(void *argument, const struct budget *budget,
                                     const struct ladder_view *view),
                     void *argument)
{
    const struct budget *path[BUDGET_MAX_PATH];
    bool taken[BUDGET_MAX_PATH] = {false};
    size_t count = subject_budgets(lease->key, &lease->facts, path);
    lease->ladder = (struct ladder_view){.state = LADDER_CLOSED};
    lease->throttle = (struct rate_view){0};
    *by = NULL;
    for (size_t i = 0; i < count; i++) {
        struct ladder_view view;
        budget_ladder_look(path[i], &lease->facts, now, &view);
        if (path[i]->observe) {
            if (observe != NULL && view.state > LADDER_CLOSED)
                observe(argument, path[i], &view);
            continue;
        }
        bool downgrade = lease->ladder.downgrade || view.downgrade;
        if (view.state > lease->ladder.state)
            lease->ladder = view;
        lease->ladder.downgrade = downgrade;
        if (view.requests_per_minute == 0)
            continue;
        taken[i] = pass_throttle(lease, path[i], &view, now.mono_ns);
        if (!taken[i]) {
            leave_throttles(lease, path, taken, i);
            lease->ladder = view;
            *by = path[i];
            return ERR_BUDGET_THROTTLED;
        }
    }
    return ERR_NONE;
}

/* ---- holds ---- */

/* 402 stops every SDK after one try; some operators want their clients to go on asking. */
static enum err exceeded(const struct budget *by)
{
    return by->refusal_status == err_info(ERR_BUDGET_EXCEEDED_429)->status ? ERR_BUDGET_EXCEEDED_429
                                                                           : ERR_BUDGET_EXCEEDED;
}

static enum err rejected(struct lease *lease, struct ladder_now now, const struct budget *by)
{
    budget_ladder_look(by, &lease->facts, now, &lease->ladder);
    return lease->ladder.reason == LADDER_BURN_RATE ? ERR_BURN_RATE : exceeded(by);
}

enum err lease_reserve(struct lease *lease, const struct budget_wish *wish, int64_t wall_ns,
                       const struct budget **by)
{
    const struct budget *path[BUDGET_MAX_PATH];
    struct budget_wish whole = *wish;
    ASSERT(lease->open && !lease->reservation.open);
    whole.facts = &lease->facts;
    whole.waiter = lease->waiter.cell != NULL ? &lease->waiter : NULL;
    atomic_store(&lease->waiter.woken, false);
    budget_cell_unref(&lease->busy);
    size_t count = subject_budgets(lease->key, &lease->facts, path);
    enum budget_verdict verdict =
        budget_reserve(path, count, &whole, wall_ns, &lease->reservation, by, &lease->busy);
    if (verdict != BUDGET_BUSY)
        lease_stop_waiting(lease);
    switch (verdict) {
    case BUDGET_GRANTED:
        return ERR_NONE;
    case BUDGET_BUSY:
        return ERR_BUDGET_BUSY;
    case BUDGET_SPENT:
        return exceeded(*by);
    case BUDGET_REJECTED:
        return rejected(lease, (struct ladder_now){wall_ns, wish->mono_ns}, *by);
    case BUDGET_CROWDED:
        return ERR_BUDGET_CROWDED;
    }
    UNREACHABLE();
}

bool lease_wait(struct lease *lease, void (*wake)(void *argument), void *argument)
{
    ASSERT(lease->busy != NULL);
    if (lease->waiter.cell == lease->busy)
        return false;
    budget_wait_end(&lease->waiter);
    lease->waiter.wake = wake;
    lease->waiter.argument = argument;
    budget_wait_start(&lease->waiter, lease->busy);
    return true;
}

bool lease_is_woken(const struct lease *lease)
{
    return atomic_load(&lease->waiter.woken);
}

void lease_stop_waiting(struct lease *lease)
{
    budget_wait_end(&lease->waiter);
    budget_cell_unref(&lease->busy);
}

void lease_settle(struct lease *lease, const struct budget_charge *charge)
{
    if (lease->reservation.open)
        budget_settle(&lease->reservation, charge);
}

void lease_close(struct lease *lease)
{
    ASSERT(!lease->reservation.open);
    lease_stop_waiting(lease);
    if (!lease->open)
        return;
    lease_settle_tokens(lease, 0);
    lease->open = false;
    /* Gauges only: a request that was served has used its place in the rates. */
    struct subject_walk walk = subject_walk(lease->key);
    const struct allowance *node;
    while ((node = subject_next(&walk)) != NULL)
        if (node->gauge != NULL)
            gauge_leave(node->gauge);
}
