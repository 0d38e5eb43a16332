/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FORWARD: one attempt, up to the head of its answer. The request is written once, from the client's
 * bytes with the changes this target needs.
 */
#include "endpoint.h"
#include "exchange.h"
#include "relay.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "upstream/attempt.h"

static void write_request(struct exchange *exchange)
{
    const struct target *target = &exchange->target->target;
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

static void start(struct exchange *exchange)
{
    const struct timeouts *timeouts = &exchange->snapshot->timeouts;
    const struct provider *provider = exchange->target->target.provider;
    write_request(exchange);
    exchange->sent_ns = clock_monotonic_ns();
    struct attempt_spec spec = {
        .route = provider->chat,
        .body = buf_span(&exchange->request),
        .first_byte_timeout_ms = timeouts->first_byte_ms,
        .idle_timeout_ms = timeouts->idle_ms,
        .total_timeout_ms = timeouts->request_ms,
    };
    exchange->answer = ANSWER_AWAITED;
    exchange->receipt.attempts++;
    exchange->attempt = attempt_start(exchange->worker->upstream, &spec, &relay_events, exchange);
}

enum step step_forward(struct exchange *exchange)
{
    if (exchange->answer == ANSWER_NONE)
        start(exchange);
    if (exchange->answer == ANSWER_AWAITED)
        return STEP_WAIT;
    /* No head came, or none that a client could use. */
    if (exchange->answer == ANSWER_DONE)
        return exchange_refuse(exchange, exchange->answer_err, NULL, NULL);
    return STEP_STREAM;
}
