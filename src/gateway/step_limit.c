/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIMIT: limits that need the call to be known. Tokens a minute: takes what the request is expected to
 * use, input as counted and output to its limit; SETTLE puts it right. And the ladders of the budgets
 * over it, as far as they throttle. (Requests a minute and concurrency were taken by ADMIT.)
 */
#include "exchange.h"
#include "worker.h"

#include "llm/bound.h"
#include "telemetry/metrics.h"

/* As RESERVE will wish for, whether there is a budget or not. */
static int64_t expected_tokens(const struct exchange *exchange)
{
    const struct call *call = &exchange->call;
    int64_t output =
        call->output_limit > 0 ? call->output_limit : exchange->model->max_output_tokens;
    int64_t tokens;
    if (__builtin_mul_overflow(output, call->choices, &tokens) ||
        __builtin_add_overflow(tokens, exchange->counted.tokens, &tokens))
        return INT64_MAX;
    return tokens;
}

static enum step limit_tokens(struct exchange *exchange)
{
    struct lease *lease = &exchange->lease;
    if (!subject_has_token_limit(exchange->key))
        return STEP_ROUTE;
    int64_t tokens = expected_tokens(exchange);
    enum err err = lease_take_tokens(lease, tokens, exchange->begun_ns);
    if (err == ERR_NONE)
        return STEP_ROUTE;
    return exchange_refuse(exchange, err, NULL,
                           "Rate limit reached for tokens per minute: limit %lld, remaining %lld, "
                           "requested %lld.",
                           (long long)lease->token_rate.limit,
                           (long long)lease->token_rate.remaining, (long long)tokens);
}

static void note_observed(void *argument, const struct budget *budget,
                          const struct ladder_view *view)
{
    struct exchange *exchange = argument;
    struct span labels[] = {span_from_string(budget->label),
                            span_from_string(ladder_state_name(view->state))};
    metrics_add(exchange->worker->metrics, METRIC_BUDGET_OBSERVED, labels, 1);
}

/* The ladders of the budgets: throttle here; downgrade is ROUTE's, and reject RESERVE's. */
static enum step climb(struct exchange *exchange)
{
    struct lease *lease = &exchange->lease;
    const struct budget *by = NULL;
    if (!subject_has_budget(exchange->key))
        return STEP_ROUTE;
    lease->facts = exchange_facts(exchange, exchange->model);
    struct ladder_now now = {.wall_ns = exchange->begun_wall_ns, .mono_ns = exchange->begun_ns};
    enum err err = lease_climb(lease, now, &by, note_observed, exchange);
    exchange->downgraded = lease->ladder.downgrade;
    if (err == ERR_NONE)
        return STEP_ROUTE;
    exchange->refused_by = by;
    return exchange_refuse(exchange, err, NULL,
                           "The budget '%s' is nearly spent and lets %lld requests a minute "
                           "through.",
                           by->name, (long long)lease->throttle.limit);
}

enum step step_limit(struct exchange *exchange)
{
    enum step next = climb(exchange);
    return next == STEP_ROUTE ? limit_tokens(exchange) : next;
}
