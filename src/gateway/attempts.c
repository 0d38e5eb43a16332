/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of attempts. An exchange has one attempt at a time; what belongs to it lies together in
 * struct exchange and is cleared here before the next one.
 */
#include "attempts.h"

#include "bill.h"
#include "endpoint.h"
#include "exchange.h"
#include "output_count.h"
#include "plan.h"
#include "relay.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "loop/timer.h"
#include "policy/outputs.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"

#include <string.h>

#define REPLY_KEEP (64 * 1024)

/* ---- how it went ---- */

/* By `retries: {on: …}`. */
static bool tried_again(const struct exchange *exchange)
{
    const struct retries *retries = &exchange->serving->retries;
    int status = exchange->facts.status;
    if (status == 429)
        return retries->on_429;
    if (status >= 500)
        return retries->on_5xx;
    if (status != 0)
        return false;
    return exchange->answer_err == ERR_UPSTREAM_BROKEN ? retries->on_5xx : retries->on_connect;
}

bool attempts_retryable(const struct exchange *exchange)
{
    if (exchange->conn == NULL || exchange->reply_begun || !tried_again(exchange))
        return false;
    int64_t spent_ns = clock_monotonic_ns() - exchange->forwarded_ns;
    return spent_ns / NS_PER_MS < exchange->snapshot->timeouts.request_ms;
}

static enum health_result verdict(const struct exchange *exchange)
{
    int status = exchange->facts.status;
    if (exchange->is_stream && exchange->answer_finished)
        return HEALTH_GOOD; /* how the connection closed does not matter */
    if (exchange->answer_err != ERR_NONE || status >= 500)
        return HEALTH_BAD;
    if (status == 0 || status == 429 || exchange->answer_cut)
        return HEALTH_NEITHER;
    return exchange->is_stream ? HEALTH_BAD : HEALTH_GOOD; /* a stream that just stopped */
}

void attempts_report(struct exchange *exchange)
{
    if (!exchange->permitted)
        return;
    exchange->permitted = false;
    struct health_cell *health = exchange->target->health;
    int64_t now_ns = clock_monotonic_ns();
    uint64_t seconds;
    health_report(health, verdict(exchange), now_ns);
    if (exchange->facts.status != 429 || !span_to_u64(exchange->answer_retry_after, &seconds))
        return;
    if (seconds > (uint64_t)(HEALTH_REST_MOST_NS / NS_PER_S))
        seconds = (uint64_t)(HEALTH_REST_MOST_NS / NS_PER_S);
    health_rest(health, (int64_t)seconds * NS_PER_S, now_ns);
}

void attempts_passed(const struct exchange *exchange)
{
    struct health_cell *health = exchange->target->health;
    int status = exchange->facts.status;
    if (!exchange->permitted || status >= 500 || status == 429)
        return;
    int64_t now_ns = clock_monotonic_ns();
    if (health_look(health, now_ns) == HEALTH_HALF_OPEN)
        health_report(health, HEALTH_GOOD, now_ns);
}

/* ---- its money ---- */

/* Tokens follow the money: what is uncertain of the one is uncertain of the other. */
static struct budget_charge charge_of(const struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    int64_t held = exchange->lease.reservation.amount_tokens;
    struct budget_charge charge = {.cost_nusd = bill->cost_nusd,
                                   .uncertain_nusd = bill->uncertain_nusd,
                                   .tokens = bill->usage.input + bill->usage.output,
                                   .mono_ns = clock_monotonic_ns()};
    bool counted = bill->source == USAGE_COUNTED;
    if (counted && charge.tokens > held)
        charge.tokens = held;
    if ((counted || bill->uncertain_nusd > 0) && charge.tokens < held)
        charge.uncertain_tokens = held - charge.tokens;
    return charge;
}

uint64_t exchange_outputs_key(const struct exchange *exchange)
{
    return outputs_key(span_from_string(exchange->key->tenant->path),
                       span_from_string(exchange->target->provider->name), exchange->target->model);
}

/* More than was held in dollars, where some budget holds those: the provider broke the bound. */
static bool breached(const struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    return bill->cost_nusd > bill->held_nusd &&
           subject_has(exchange->key, &exchange->lease.facts, SUBJECT_HAS_MONEY);
}

/* What this attempt teaches: how long answers are, and whether the provider keeps its bounds. */
static void learn(struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    if (bill->source != USAGE_REPORTED || !exchange->usage_final)
        return;
    outputs_note(exchange->snapshot->outputs, exchange_outputs_key(exchange),
                 bill->usage.output / exchange->call.choices);
    if (breached(exchange) && health_note_breach(exchange->target->health))
        log_warn("model '%.*s' at provider '%s' was billed above its bound: no budget with hold: "
                 "bound is spent on it until POST /admin/breakers/ack",
                 SPAN_ARG(exchange->target->model), exchange->target->provider->name);
}

void attempts_settle(struct exchange *exchange)
{
    relay_cancel(exchange);
    attempts_report(exchange);
    bill_make(exchange);
    struct budget_charge charge = charge_of(exchange);
    lease_settle(&exchange->lease, &charge);
    learn(exchange);
}

/* ---- its record ---- */

static void count_tokens(struct exchange *exchange, const char *kind, int64_t tokens)
{
    const struct receipt *receipt = &exchange->receipt;
    struct span labels[] = {metrics_label(receipt->tenant), metrics_label(receipt->model),
                            span_from_string(kind)};
    if (tokens > 0)
        metrics_add(exchange->worker->metrics, METRIC_TOKENS, labels, tokens);
}

static void count(struct exchange *exchange)
{
    const struct receipt *receipt = &exchange->receipt;
    const struct bill *bill = &exchange->bill;
    struct metrics *metrics = exchange->worker->metrics;
    char room[SPAN_U64_SIZE];
    struct span upstream[] = {metrics_label(receipt->provider),
                              span_from_u64((uint64_t)exchange->facts.status, room)};
    struct span owner[] = {metrics_label(receipt->tenant), metrics_label(receipt->model)};
    struct span source = span_from_string(usage_source_name(bill->source));
    metrics_add(metrics, METRIC_UPSTREAM_REQUESTS, upstream, 1);
    if (breached(exchange))
        metrics_add(metrics, METRIC_BOUND_BREACHES, &owner[1], 1);
    if (exchange->usage_flagged)
        metrics_add(metrics, METRIC_USAGE_IMPOSSIBLE, &owner[1], 1);
    if (exchange->price != NULL && !price_knows_tier(exchange->price, bill->usage.service_tier))
        metrics_add(metrics, METRIC_TIER_UNPRICED, &owner[1], 1);
    for (size_t kind = 0; kind < USAGE_KINDS; kind++)
        count_tokens(exchange, usage_kinds[kind].name, usage_kind_value(&bill->usage, kind));
    metrics_add(metrics, METRIC_COST, owner, bill->cost_nusd);
    metrics_add(metrics, METRIC_USAGE_SOURCE, &source, 1);
}

void attempts_record(struct exchange *exchange)
{
    if (exchange->sent_ns == 0)
        return;
    struct receipt *receipt = &exchange->receipt;
    const struct bill *bill = &exchange->bill;
    receipt_copy(receipt->model, exchange->serving->name);
    receipt_copy(receipt->provider, span_from_string(exchange->target->provider->name));
    receipt->overhead_ns =
        exchange->forwarded_ns - exchange->body_ended_ns - exchange->waiting.waited_ns;
    receipt->detail = exchange->answer_err != ERR_NONE ? exchange->facts.reason : NULL;
    usage_add(&receipt->usage, &bill->usage);
    if (bill->source != USAGE_NONE)
        receipt->usage_source = bill->source;
    receipt->cost_nusd += bill->cost_nusd;
    bill_add_meters(exchange, receipt->meter_nusd);
    receipt->uncertain_nusd += bill->uncertain_nusd;
    if (bill->source == USAGE_REPORTED && exchange->usage_final)
        counting_learn(exchange, &bill->usage);
    count(exchange);
}

/* A line of its own in the access log: what this one attempt came to. */
static void log_failed(struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    bool answered = exchange->answer_err == ERR_NONE;
    enum err err = answered ? ERR_UPSTREAM_STATUS : exchange->answer_err;
    struct receipt line = exchange->receipt;
    line.retried = true;
    line.begun_wall_ns = exchange->begun_wall_ns;
    line.duration_ns = clock_monotonic_ns() - exchange->sent_ns;
    line.endpoint = exchange->endpoint->name;
    line.outcome = err_info(err)->name;
    line.step = step_name(STEP_FORWARD);
    if (answered)
        line.detail = exchange->facts.status == 429 ? "answered 429" : "answered 5xx";
    line.usage = bill->usage;
    line.usage_source = bill->source;
    line.cost_nusd = bill->cost_nusd;
    line.uncertain_nusd = bill->uncertain_nusd;
    access_log_write(exchange->worker->access_log, &line);
}

/* ---- the next one ---- */

static void forget(struct exchange *exchange)
{
    size_t from = offsetof(struct exchange, facts), to = offsetof(struct exchange, complaint);
    ASSERT(exchange->attempt == NULL && !exchange->permitted);
    output_count_end(exchange);
    memset((char *)exchange + from, 0, to - from);
    exchange->bill = (struct bill){.made = false};
    exchange->clamped = false;
    buf_reset(&exchange->reply, REPLY_KEEP);
}

static void wait_is_over(void *argument)
{
    struct exchange *exchange = argument;
    pipeline_resume(&exchange->pipeline);
}

void attempts_fail(struct exchange *exchange, int64_t wait_ms)
{
    /* An error may report usage all the same. */
    if (exchange->answer_err == ERR_NONE)
        relay_read_whole(exchange);
    attempts_settle(exchange);
    attempts_record(exchange);
    log_failed(exchange);
    forget(exchange);
    exchange->answer = ANSWER_FAILED;
    if (wait_ms == 0)
        return;
    if (exchange->backoff == NULL)
        exchange->backoff = timer_new(exchange->worker->loop, wait_is_over, exchange);
    timer_start(exchange->backoff, wait_ms);
}

bool attempts_waiting(const struct exchange *exchange)
{
    return exchange->backoff != NULL && timer_active(exchange->backoff);
}

void attempts_stop(struct exchange *exchange)
{
    timer_free(&exchange->backoff);
}
