/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Birth, rest and end of exchanges. An exchange has two holders, the pipeline and the connection, and
 * a counting job for a while; it goes back to its worker's pool when all have let go. Its buffers stay with it, trimmed, so that
 * a request at rest speed allocates almost nothing.
 */
#include "exchange.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/memory.h"
#include "memory_gauge.h"
#include "output_count.h"
#include "worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP     (8 * 1024 * 1024)
#define SCRATCH_CAP   (16 * 1024 * 1024)
#define EVENT_CEILING (1024 * 1024)
#define REPLY_CEILING (16 * 1024 * 1024)
#define KEEP_BYTES    (16 * 1024)

static struct exchange *exchange_make(void)
{
    struct exchange *exchange = MEMORY_NEW(struct exchange);
    arena_init(&exchange->arena, ARENA_CAP);
    arena_init(&exchange->scratch, SCRATCH_CAP);
    buf_init(&exchange->body, 0, 0);
    buf_init(&exchange->request, 0, 0);
    buf_init(&exchange->reply, REPLY_CEILING, 0);
    sse_reader_init(&exchange->events, EVENT_CEILING);
    return exchange;
}

static void exchange_destroy(struct exchange *exchange)
{
    output_count_end(exchange);
    arena_fini(&exchange->arena);
    arena_fini(&exchange->scratch);
    buf_fini(&exchange->body);
    buf_fini(&exchange->request);
    buf_fini(&exchange->reply);
    sse_reader_fini(&exchange->events);
    free(exchange);
}

/* Back to how exchange_make left it, with the memory kept. */
static void exchange_clear(struct exchange *exchange)
{
    memset((char *)exchange + offsetof(struct exchange, pipeline), 0,
           sizeof(*exchange) - offsetof(struct exchange, pipeline));
    output_count_end(exchange);
    arena_reset(&exchange->arena);
    arena_reset(&exchange->scratch);
    buf_reset(&exchange->body, KEEP_BYTES);
    buf_reset(&exchange->request, KEEP_BYTES);
    buf_reset(&exchange->reply, KEEP_BYTES);
}

struct exchange *exchange_new(struct gateway_worker *worker, struct conn *conn)
{
    struct exchange *exchange;
    if (list_empty(&worker->pool)) {
        exchange = exchange_make();
    } else {
        exchange = LIST_ITEM(worker->pool.next, struct exchange, link);
        list_remove(&exchange->link);
        worker->pool_count--;
    }
    pipeline_init(&exchange->pipeline, &gateway_pipeline);
    exchange->worker = worker;
    exchange->snapshot = snapshot_ref(worker->snapshot);
    exchange->conn = conn;
    exchange->begun_ns = clock_monotonic_ns();
    exchange->begun_wall_ns = clock_wall_ns();
    exchange->receipt.id = id_next(&worker->ids, exchange->begun_wall_ns);
    exchange->body.ceiling = (size_t)exchange->snapshot->max_body_bytes;
    list_init(&exchange->link);
    list_append(&worker->living, &exchange->link);
    atomic_fetch_add_explicit(&worker->active, 1, memory_order_relaxed);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    struct gateway_worker *worker = exchange->worker;
    ASSERT(exchange->settled && exchange->recorded && exchange->attempt == NULL);
    ASSERT(!exchange->lease.open && !exchange->permitted && exchange->backoff == NULL);
    ASSERT(exchange->waiting.timer == NULL);
    list_remove(&exchange->link);
    memory_release(exchange);
    snapshot_unref(&exchange->snapshot);
    sse_reader_fini(&exchange->events);
    sse_reader_init(&exchange->events, EVENT_CEILING);
    atomic_fetch_sub_explicit(&worker->active, 1, memory_order_relaxed);
    if (exchange->unattended)
        worker_attended(worker);
    if (worker->pool_count >= WORKER_POOL_MAX) {
        exchange_destroy(exchange);
        return;
    }
    exchange_clear(exchange);
    list_init(&exchange->link);
    list_prepend(&worker->pool, &exchange->link);
    worker->pool_count++;
}

void exchange_pool_free(struct gateway_worker *worker)
{
    LIST_FOR_EACH (link, &worker->pool) {
        list_remove(link);
        exchange_destroy(LIST_ITEM(link, struct exchange, link));
    }
    worker->pool_count = 0;
}

static void free_when_let_go(struct exchange *exchange)
{
    if (exchange->conn == NULL && !counting_active(exchange))
        exchange_free(exchange);
}

void exchange_conn_released(struct exchange *exchange)
{
    exchange->conn = NULL;
    if (exchange->pipeline.step == STEP_END && !exchange->pipeline.running)
        free_when_let_go(exchange);
}

void exchange_counting_ended(struct exchange *exchange)
{
    if (exchange->pipeline.step == STEP_END)
        free_when_let_go(exchange);
}

void exchange_ended(struct pipeline *pipeline)
{
    free_when_let_go(exchange_of(pipeline));
}

enum step exchange_refuse(struct exchange *exchange, enum err err, const char *param,
                          const char *format, ...)
{
    outcome_set(&exchange->pipeline.outcome, err, (uint8_t)exchange->pipeline.step);
    if (param != NULL)
        snprintf(exchange->complaint.param, sizeof exchange->complaint.param, "%s", param);
    if (format != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(exchange->complaint.message, sizeof exchange->complaint.message, format,
                  arguments);
        va_end(arguments);
    }
    return exchange->conn != NULL ? STEP_REFUSE : STEP_SETTLE;
}

struct budget_facts exchange_facts(const struct exchange *exchange, const struct model *model)
{
    const struct receipt *receipt = &exchange->receipt;
    return (struct budget_facts){.key = span_from_string(exchange->key->id),
                                 .user = span_from_string(receipt->user),
                                 .session = span_from_string(receipt->session),
                                 .model = model->name,
                                 .tags = span_from_string(receipt->tags)};
}
