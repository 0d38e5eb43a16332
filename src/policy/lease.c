/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: each node of the path is entered whole (rate and gauge) or not at all, from the key
 * upwards, so that a refusal leaves the nodes below it to be undone in any order.
 */
#include "policy/lease.h"

#include "base/assert.h"

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
    *lease = (struct lease){.key = key};
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

enum err lease_reserve(struct lease *lease, const struct budget_wish *wish, int64_t wall_ns,
                       const struct budget **by)
{
    const struct budget *path[BUDGET_MAX_PATH];
    ASSERT(lease->open && !lease->reservation.open);
    size_t count = subject_budgets(lease->key, path);
    switch (budget_reserve(path, count, wish, wall_ns, &lease->reservation, by)) {
    case BUDGET_GRANTED:
        return ERR_NONE;
    case BUDGET_BUSY:
        return ERR_BUDGET_BUSY;
    case BUDGET_SPENT:
        /* 402 stops every SDK after one try; some operators want their clients to go on asking. */
        return (*by)->refusal_status == err_info(ERR_BUDGET_EXCEEDED_429)->status
                   ? ERR_BUDGET_EXCEEDED_429
                   : ERR_BUDGET_EXCEEDED;
    }
    UNREACHABLE();
}

void lease_settle(struct lease *lease, int64_t cost_nusd, int64_t uncertain_nusd)
{
    if (lease->reservation.open)
        budget_settle(&lease->reservation, cost_nusd, uncertain_nusd);
}

void lease_close(struct lease *lease)
{
    ASSERT(!lease->reservation.open);
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
