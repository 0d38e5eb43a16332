/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* RECORD: the receipt, for the ledger, the metrics and the access log. Passed exactly once, after
 * SETTLE. */
#include "attempts.h"
#include "endpoint.h"
#include "exchange.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"

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
}

/* Histograms of what the prompts of requests that were sent on are made of. */
static void count_context(const struct receipt_context *context, struct metrics *metrics)
{
    const struct {
        struct span role;
        int64_t tokens;
    } parts[] = {{SPAN("system"), context->system},
                 {SPAN("user"), context->user},
                 {SPAN("assistant"), context->assistant},
                 {SPAN("tool"), context->tool},
                 {SPAN("repeated"), context->repeated}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].tokens > 0)
            metrics_observe(metrics, METRIC_CONTEXT_TOKENS, &parts[i].role, parts[i].tokens);
}

static void count_request(const struct exchange *exchange, struct metrics *metrics)
{
    const struct receipt *receipt = &exchange->receipt;
    char room[SPAN_U64_SIZE];
    struct span request[] = {metrics_label(receipt->tenant), metrics_label(receipt->model),
                             metrics_label(receipt->provider),
                             span_from_u64((uint64_t)receipt->status, room)};
    struct span model = metrics_label(receipt->model);
    metrics_add(metrics, METRIC_REQUESTS, request, 1);
    metrics_observe(metrics, METRIC_DURATION, &model, receipt->duration_ns);
    if (receipt->attempts > 0) {
        metrics_observe(metrics, METRIC_REQUEST_COST, request, receipt->cost_nusd);
        metrics_observe(metrics, METRIC_OVERHEAD, NULL, receipt->overhead_ns);
        count_context(&receipt->context, metrics);
    }
    if (exchange->downgraded && receipt->attempts > 0) {
        struct span downgrade[] = {request[0], exchange->model->name, request[1]};
        metrics_add(metrics, METRIC_DOWNGRADES, downgrade, 1);
    }
    if (receipt->first_byte_ns != 0)
        metrics_observe(metrics, METRIC_FIRST_TOKEN, &model, receipt->first_byte_ns);
    if (exchange->refused) {
        struct span refused[] = {metrics_label(receipt->tenant),
                                 span_from_string(receipt->outcome)};
        metrics_add(metrics, METRIC_REJECTIONS, refused, 1);
    }
}

enum step step_record(struct exchange *exchange)
{
    ASSERT(exchange->settled && !exchange->recorded);
    exchange->recorded = true;
    struct gateway_worker *worker = exchange->worker;
    attempts_record(exchange);
    fill_receipt(exchange, clock_monotonic_ns());
    worker_keep_receipt(worker, &exchange->receipt);
    count_request(exchange, worker->metrics);
    access_log_write(worker->access_log, &exchange->receipt);
    return STEP_END;
}
