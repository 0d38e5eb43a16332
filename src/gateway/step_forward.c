/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FORWARD: one attempt, up to the head of its answer. The request is written from the client's bytes
 * with the changes this target needs. An attempt that fails before the client has seen a byte is
 * settled here, and RESERVE takes the next entry of the plan, if need be after a pause.
 */
#include "attempts.h"
#include "endpoint.h"
#include "exchange.h"
#include "memory_gauge.h"
#include "relay.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "upstream/attempt.h"

static void write_request(struct exchange *exchange)
{
    const struct target *target = exchange->target;
    struct call_changes changes = {
        .model = target->model,
        .output_limit = exchange->output_limit,
        .limit_field = target->provider->limit_field,
        .ask_usage = exchange->call.stream,
    };
    /* The bound was taken of the client's bytes and what edits may add: it is the ceiling here. */
    buf_reset(&exchange->request, SIZE_MAX);
    exchange->request.ceiling = exchange->call.body.text.len + 1024;
    bool written =
        exchange->endpoint->dialect->write_call(&exchange->call, &changes, &exchange->request);
    ASSERT(written);
}

/* All attempts together may take as long as one; at least a millisecond, since 0 means no limit. */
static int64_t time_left_ms(const struct exchange *exchange)
{
    int64_t spent_ms = (exchange->sent_ns - exchange->forwarded_ns) / NS_PER_MS;
    int64_t left_ms = exchange->snapshot->timeouts.request_ms - spent_ms;
    return left_ms > 1 ? left_ms : 1;
}

static void start(struct exchange *exchange)
{
    const struct timeouts *timeouts = &exchange->snapshot->timeouts;
    write_request(exchange);
    memory_count(exchange);
    exchange->sent_ns = clock_monotonic_ns();
    if (exchange->forwarded_ns == 0)
        exchange->forwarded_ns = exchange->sent_ns;
    struct attempt_spec spec = {
        .route = exchange->target->provider->routes[exchange->call.kind],
        .body = buf_span(&exchange->request),
        .first_byte_timeout_ms = timeouts->first_byte_ms,
        .idle_timeout_ms = timeouts->idle_ms,
        .total_timeout_ms = time_left_ms(exchange),
    };
    exchange->answer = ANSWER_AWAITED;
    exchange->receipt.attempts++;
    exchange->attempt = attempt_start(exchange->worker->upstream, &spec, &relay_events, exchange);
}

/* The head came. An error that may be tried again is read to its end first: only a complete one is
 * known to cost nothing. */
static enum step answer_begins(const struct exchange *exchange)
{
    if (attempts_retryable(exchange) && plan_left(exchange))
        return STEP_WAIT;
    attempts_passed(exchange);
    return STEP_STREAM;
}

static enum step next_attempt(struct exchange *exchange)
{
    if (attempts_waiting(exchange))
        return STEP_WAIT;
    exchange->answer = ANSWER_NONE;
    return STEP_RESERVE;
}

/* It ended without its answer having begun to go to the client. */
static enum step answer_ends(struct exchange *exchange)
{
    int64_t wait_ms;
    attempts_report(exchange);
    if (attempts_retryable(exchange) && plan_advance(exchange, &wait_ms)) {
        attempts_fail(exchange, wait_ms);
        return next_attempt(exchange);
    }
    /* No head came, or none that a client could use; else an error that passes through. */
    if (exchange->answer_err != ERR_NONE)
        return exchange_refuse(exchange, exchange->answer_err, NULL, NULL);
    return STEP_STREAM;
}

enum step step_forward(struct exchange *exchange)
{
    switch (exchange->answer) {
    case ANSWER_NONE:
        start(exchange);
        return STEP_WAIT;
    case ANSWER_AWAITED:
        return STEP_WAIT;
    case ANSWER_BODY:
        return answer_begins(exchange);
    case ANSWER_DONE:
        return answer_ends(exchange);
    case ANSWER_FAILED:
        return next_attempt(exchange);
    }
    UNREACHABLE();
}
