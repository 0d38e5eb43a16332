/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the connection to the exchange: makes one for each head, collects the body, and turns what
 * the network says (slow, half-closed, gone, sent) into resumes and interrupts of the pipeline.
 */
#include "intake.h"

#include "exchange.h"
#include "memory_gauge.h"
#include "relay.h"
#include "worker.h"

#include "base/clock.h"
#include "net/server.h"
#include "telemetry/metrics.h"

static void *on_head(void *context, struct conn *conn, const struct request_head *head)
{
    struct exchange *exchange = exchange_new(context, conn);
    exchange->head = head;
    exchange->body_ended_ns = exchange->begun_ns; /* until its body has come */
    if (head->content_length > 0 && head->content_length <= exchange->snapshot->max_body_bytes) {
        /* One allocation for bodies that are small; large ones grow as they really come. */
        size_t size = (size_t)head->content_length;
        buf_reserve(&exchange->body, size < 65536 ? size : 65536);
    }
    pipeline_resume(&exchange->pipeline);
    exchange->head = NULL;
    return exchange;
}

static void fail_body(struct exchange *exchange, enum err err)
{
    exchange->body_err = err;
    pipeline_resume(&exchange->pipeline);
}

static void on_body(void *argument, struct span bytes)
{
    struct exchange *exchange = argument;
    if (exchange->pipeline.step != STEP_PARSE || exchange->body_err != ERR_NONE)
        return;
    if (!buf_append(&exchange->body, bytes)) {
        fail_body(exchange, ERR_BODY_TOO_LARGE);
        return;
    }
    memory_count(exchange);
    if (memory_over(exchange->worker, exchange->snapshot->memory_bytes))
        fail_body(exchange, ERR_OVERLOADED);
}

static void on_body_end(void *argument)
{
    struct exchange *exchange = argument;
    exchange->body_ended = true;
    if (exchange->pipeline.step != STEP_PARSE)
        return;
    exchange->body_ended_ns = clock_monotonic_ns();
    pipeline_resume(&exchange->pipeline);
}

static void on_body_error(void *argument, enum err err)
{
    struct exchange *exchange = argument;
    if (exchange->pipeline.step == STEP_PARSE)
        fail_body(exchange, err);
}

static void on_drain(void *argument)
{
    relay_drained(argument);
}

static void on_half_close(void *argument)
{
    relay_probe(argument);
}

static void on_gone(void *argument)
{
    struct exchange *exchange = argument;
    enum step step = exchange->pipeline.step;
    exchange->conn = NULL;
    if (step == STEP_END)
        exchange_conn_released(exchange);
    else if (!relay_unattended(exchange))
        pipeline_interrupt(&exchange->pipeline, ERR_CLIENT_GONE);
}

static void on_sent(void *argument)
{
    exchange_conn_released(argument);
}

static void on_refused(void *context, enum err err)
{
    struct gateway_worker *worker = context;
    struct span reason = span_from_string(err_info(err)->name);
    metrics_add(worker->metrics, METRIC_HTTP_REFUSED, &reason, 1);
}

const struct server_handler intake_handler = {
    .on_head = on_head,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_body_error = on_body_error,
    .on_drain = on_drain,
    .on_half_close = on_half_close,
    .on_gone = on_gone,
    .on_sent = on_sent,
    .on_refused = on_refused,
};
