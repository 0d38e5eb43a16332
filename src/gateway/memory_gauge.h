/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that exchanges hold, of all workers: bodies, requests, answers and what waits for slow
 * readers. Each worker sums its own and tells the shared sum in steps of 64 KiB, so that small
 * requests touch nothing shared; the sum is that much off for each worker at most.
 */
#ifndef GATEWAY_MEMORY_GAUGE_H
#define GATEWAY_MEMORY_GAUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct gateway_worker;

/* One worker's part. */
struct memory_gauge {
    int64_t held;
    int64_t told; /* of held, what is in the shared sum */
};

/* Counts what the exchange holds now; to be called where that may have grown. */
void memory_count(struct exchange *exchange);
/* The exchange ends. */
void memory_release(struct exchange *exchange);
/* The worker ends, when nothing is held: its part leaves the shared sum. */
void memory_fini(struct gateway_worker *worker);
/* Whether all together hold more than `most` bytes. */
bool memory_over(const struct gateway_worker *worker, int64_t most);

#endif
