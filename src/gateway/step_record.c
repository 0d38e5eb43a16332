/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* RECORD: the receipt, the metrics and the access log. Passed exactly once, after SETTLE. */
#include "endpoint.h"
#include "exchange.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"

static struct span label(const char *field)
{
    return field[0] != '\0' ? span_from_string(field) : SPAN("none");
}

static void fill_receipt(struct exchange *exchange, int64_t now_ns)
{
    struct receipt *receipt = &exchange->receipt;
    const struct outcome *outcome = &exchange->pipeline.outcome;
    receipt->begun_wall_ns = exchange->begun_wall_ns;
    receipt->duration_ns = now_ns - exchange->begun_ns;
    if (exchange->first_byte_ns != 0)
        receipt->first_byte_ns = exchange->first_byte_ns - exchange->begun_ns;
    receipt->status = exchange->status;
    receipt->outcome = err_info(outcome->set ? outcome->cause : ERR_NONE)->name;
    receipt->step = step_name(outcome->set ? (enum step)outcome->step : STEP_END);
    receipt->endpoint = exchange->endpoint->name;
    if (exchange->sent_ns != 0) {
        receipt->overhead_ns = exchange->sent_ns - exchange->body_ended_ns;
        receipt_copy(receipt->model, exchange->target->name);
        receipt_copy(receipt->provider, span_from_string(exchange->target->target.provider->name));
    }
    if (exchange->answer_err != ERR_NONE)
        receipt->detail = exchange->facts.reason;
    receipt->usage = exchange->bill.usage;
    receipt->usage_source = exchange->bill.source;
    receipt->cost_nusd = exchange->bill.cost_nusd;
    receipt->uncertain_nusd = exchange->bill.uncertain_nusd;
}

static void count_tokens(struct metrics *metrics, const struct receipt *receipt, const char *kind,
                         int64_t tokens)
{
    struct span labels[] = {label(receipt->tenant), label(receipt->model), span_from_string(kind)};
    if (tokens > 0)
        metrics_add(metrics, METRIC_TOKENS, labels, tokens);
}

/* What an attempt used and cost. */
static void count_spend(const struct exchange *exchange, struct metrics *metrics)
{
    const struct receipt *receipt = &exchange->receipt;
    const struct usage *usage = &receipt->usage;
    struct span source = span_from_string(usage_source_name(receipt->usage_source));
    struct span owner[] = {label(receipt->tenant), label(receipt->model)};
    count_tokens(metrics, receipt, "input", usage->input);
    count_tokens(metrics, receipt, "cached_input", usage->cached_input);
    count_tokens(metrics, receipt, "cache_write", usage->cache_write);
    count_tokens(metrics, receipt, "output", usage->output);
    count_tokens(metrics, receipt, "reasoning", usage->reasoning);
    metrics_add(metrics, METRIC_COST, owner, receipt->cost_nusd);
    metrics_observe(metrics, METRIC_REQUEST_COST, owner, receipt->cost_nusd);
    metrics_add(metrics, METRIC_USAGE_SOURCE, &source, 1);
}

/* More than was held: the provider broke the bound. */
static bool breached(const struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    return subject_has_budget(exchange->key) && bill->cost_nusd > bill->held_nusd;
}

static void count_attempt(const struct exchange *exchange, struct metrics *metrics)
{
    const struct receipt *receipt = &exchange->receipt;
    char room[SPAN_U64_SIZE];
    struct span upstream[] = {label(receipt->provider),
                              span_from_u64((uint64_t)exchange->facts.status, room)};
    struct span model = label(receipt->model);
    metrics_add(metrics, METRIC_UPSTREAM_REQUESTS, upstream, 1);
    metrics_observe(metrics, METRIC_OVERHEAD, NULL, receipt->overhead_ns);
    if (receipt->first_byte_ns != 0)
        metrics_observe(metrics, METRIC_FIRST_TOKEN, &model, receipt->first_byte_ns);
    if (breached(exchange))
        metrics_add(metrics, METRIC_BOUND_BREACHES, &model, 1);
    count_spend(exchange, metrics);
}

static void count_request(const struct exchange *exchange, struct metrics *metrics)
{
    const struct receipt *receipt = &exchange->receipt;
    char room[SPAN_U64_SIZE];
    struct span request[] = {label(receipt->tenant), label(receipt->model),
                             label(receipt->provider),
                             span_from_u64((uint64_t)receipt->status, room)};
    struct span model = label(receipt->model);
    metrics_add(metrics, METRIC_REQUESTS, request, 1);
    metrics_observe(metrics, METRIC_DURATION, &model, receipt->duration_ns);
    if (exchange->refused) {
        struct span refused[] = {label(receipt->tenant), span_from_string(receipt->outcome)};
        metrics_add(metrics, METRIC_REJECTIONS, refused, 1);
    }
}

enum step step_record(struct exchange *exchange)
{
    ASSERT(exchange->settled && !exchange->recorded);
    exchange->recorded = true;
    struct gateway_worker *worker = exchange->worker;
    fill_receipt(exchange, clock_monotonic_ns());
    if (exchange->sent_ns != 0)
        count_attempt(exchange, worker->metrics);
    count_request(exchange, worker->metrics);
    access_log_write(worker->access_log, &exchange->receipt);
    return STEP_END;
}
