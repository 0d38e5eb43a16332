/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RESERVE: can every budget on the path afford the next target? Holds the bound of input and output
 * in all of them, waits for what others hold, or says no. The output limit that was granted is written into the request, so that
 * the provider cannot bill more than is held.
 */
#include "attempts.h"
#include "exchange.h"
#include "worker.h"

#include "base/clock.h"
#include "llm/bound.h"
#include "policy/outputs.h"
#include "telemetry/metrics.h"

/* The most that write_call may add to the client's bytes: a model's name, the limit's field with its
 * number, and the wish for usage. */
static uint64_t edit_bytes(const struct target *target)
{
    return target->model.len + target->provider->limit_field.len + 32 + 64;
}

static int64_t input_bound(const struct exchange *exchange, const struct plan_entry *entry)
{
    const struct model *model = entry->model;
    struct bound_request request = {.call = &exchange->call,
                                    .model = entry->target->model,
                                    .added_bytes = edit_bytes(entry->target),
                                    .hidden_input = model->hidden_input,
                                    .max_input_bound = model->max_input_bound,
                                    .context_window = model->context_window};
    return bound_input(&request);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Usage beyond these is no usage but noise. Neither the window nor the output limit that we send is
 * among them: a provider that goes over them bills all the same, and such a bill is charged in full
 * and counted as a breach. What no model could use by a factor of ten is not believed. */
#define BELIEF 10

static struct usage_limits believable(const struct exchange *exchange, const struct model *model)
{
    int64_t window = model->context_window * BELIEF; /* config bounds it: no overflow */
    return (struct usage_limits){.context_window = window * exchange->call.prompts,
                                 .output_limit = window * exchange->call.choices};
}

static enum step refuse(struct exchange *exchange, enum err err, const struct budget *by)
{
    char window[WINDOW_TEXT_SIZE];
    exchange->refused_by = by;
    if (err == ERR_BUDGET_BUSY)
        return exchange_refuse(exchange, err, NULL,
                               "The rest of the budget '%s' is held by requests in flight. Try "
                               "again soon.",
                               by->name);
    if (err == ERR_BURN_RATE)
        return exchange_refuse(exchange, err, NULL,
                               "The budget '%s' is being spent too fast. Try again later.",
                               by->name);
    if (err == ERR_BUDGET_CROWDED)
        return exchange_refuse(exchange, err, NULL,
                               "The budget '%s' has as many %ss as it may have.", by->name,
                               budget_per_name(by->per));
    return exchange_refuse(exchange, err, NULL, "The budget '%s' (%s) is spent.", by->name,
                           window_text(&by->window, window));
}

/* The next target of the plan, and what is known of it. */
static bool take_target(struct exchange *exchange)
{
    const struct plan_entry *entry = plan_take(exchange);
    if (entry == NULL)
        return false;
    exchange->serving = entry->model;
    exchange->target = entry->target;
    exchange->price = plan_price(exchange, entry->target);
    exchange->permitted = true;
    exchange->input_bound = input_bound(exchange, entry);
    exchange->usage_limits = believable(exchange, entry->model);
    exchange->reserving = true;
    return true;
}

/* For `hold: learned`. */
static int64_t learned_output(const struct exchange *exchange)
{
    if (!subject_has(exchange->key, &exchange->lease.facts, SUBJECT_HAS_LEARNED))
        return 0;
    return outputs_p95(exchange->snapshot->outputs, exchange_outputs_key(exchange));
}

static void count_observed(struct exchange *exchange)
{
    const struct reservation *reservation = &exchange->lease.reservation;
    for (size_t i = 0; i < reservation->count; i++) {
        enum budget_observed observed = reservation->observed[i];
        struct span labels[] = {span_from_string(reservation->holds[i].budget->label),
                                span_from_string(budget_observed_name(observed))};
        if (observed != OBSERVED_NOTHING)
            metrics_add(exchange->worker->metrics, METRIC_BUDGET_OBSERVED, labels, 1);
    }
}

static enum step reserve(struct exchange *exchange)
{
    const struct model *model = exchange->serving;
    int64_t wished = bound_output_wish(&exchange->call, model->max_output_tokens);
    exchange->lease.facts = exchange_facts(exchange, model);
    struct budget_wish wish = {
        .price = exchange->price,
        .scope = bound_scope(&exchange->call),
        .input_tokens = exchange->input_bound,
        .choices = exchange->call.choices,
        .output_tokens = wished,
        .min_output_tokens = smaller(model->min_output_tokens, wished),
        .learned_tokens = learned_output(exchange),
        .patient = !exchange->waiting.over,
        .mono_ns = clock_monotonic_ns(),
    };
    const struct budget *by = NULL;
    enum err err;
    do {
        err = lease_reserve(&exchange->lease, &wish, exchange->begun_wall_ns, &by);
        if (err != ERR_BUDGET_BUSY || !wish.patient || by->wait_ms == 0)
            break;
        if (!waiting_begin(exchange, by->wait_ms))
            return STEP_WAIT;
    } while (true);
    waiting_end(exchange);
    if (err != ERR_NONE)
        return refuse(exchange, err, by);
    count_observed(exchange);
    exchange->output_limit = exchange->lease.reservation.output_tokens;
    exchange->clamped = exchange->output_limit < wished;
    return STEP_FORWARD;
}

enum step step_reserve(struct exchange *exchange)
{
    if (!exchange->reserving && !take_target(exchange))
        return exchange_refuse(exchange, ERR_TARGETS_RESTING, NULL, NULL);
    enum step next = STEP_FORWARD;
    if (subject_has_budget(exchange->key))
        next = reserve(exchange);
    else
        exchange->output_limit = exchange->call.output_limit;
    if (next != STEP_WAIT)
        exchange->reserving = false;
    return next;
}
