/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted are capacities, which is what the memory costs, and not what is in them. */
#include "memory_gauge.h"

#include "exchange.h"
#include "worker.h"

#include "base/assert.h"
#include "net/server.h"

#define STEP ((int64_t)64 * 1024)

/* The process's, as the memory is. */
static atomic_int_least64_t shared_held;

static int64_t holds(const struct exchange *exchange)
{
    size_t bytes = sizeof *exchange + exchange->body.capacity + exchange->request.capacity +
                   exchange->reply.capacity;
    if (exchange->conn != NULL)
        bytes += conn_queued(exchange->conn);
    return (int64_t)bytes;
}

static void tell(struct memory_gauge *gauge)
{
    int64_t untold = gauge->held - gauge->told;
    atomic_fetch_add_explicit(&shared_held, untold, memory_order_relaxed);
    gauge->told = gauge->held;
}

static void change(struct exchange *exchange, int64_t held)
{
    struct memory_gauge *gauge = &exchange->worker->memory;
    gauge->held += held - exchange->held_bytes;
    exchange->held_bytes = held;
    int64_t untold = gauge->held - gauge->told;
    if (untold >= STEP || untold <= -STEP)
        tell(gauge);
}

void memory_count(struct exchange *exchange)
{
    change(exchange, holds(exchange));
}

void memory_release(struct exchange *exchange)
{
    change(exchange, 0);
}

void memory_fini(struct gateway_worker *worker)
{
    ASSERT(worker->memory.held == 0);
    tell(&worker->memory);
}

bool memory_over(const struct gateway_worker *worker, int64_t most)
{
    const struct memory_gauge *gauge = &worker->memory;
    int64_t shared = atomic_load_explicit(&shared_held, memory_order_relaxed);
    return shared + gauge->held - gauge->told > most;
}
