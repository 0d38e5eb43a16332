/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker's metrics lie in memory, for the file that writes them and the one that reads them.
 *
 *   index (the worker's own)      newest ──> series ──> series ──> … the oldest
 *     key ──> series                          next never changes once newest has shown it
 *
 * A key is the metric's number, then each label value with its length before it: equal keys are
 * equal series, in every worker. A series' cells: a counter has one; a histogram has the sum, then
 * how many values fell into each bucket alone, the last being the one without a bound.
 */
#ifndef TELEMETRY_METRICS_PRIVATE_H
#define TELEMETRY_METRICS_PRIVATE_H

#include "base/table.h"
#include "telemetry/metrics.h"

#include <stdatomic.h>

enum metric_kind { KIND_COUNTER, KIND_SECONDS, KIND_FIRST_TOKEN, KIND_DOLLARS, KIND_TOKENS };

struct bucket {
    int64_t most;     /* the largest value in it, in the metric's unit */
    const char *text; /* the same for le="…", as OpenMetrics wants it written */
};

struct bucket_set {
    const struct bucket *buckets;
    size_t count; /* without the last, which has no bound; 0 for counters */
};

#define METRIC_MAX_CELLS 24

struct family {
    const char *name;
    const char *help;
    enum metric_kind kind;
    int64_t unit;
    size_t label_count;
    const char *labels[METRIC_MAX_LABELS];
};

extern const struct family metric_families[METRIC_COUNT];

const struct bucket_set *metric_buckets(enum metric metric);
size_t metric_cell_count(enum metric metric);

struct series {
    struct series *next;
    struct span key; /* behind the cells */
    _Atomic int64_t cells[];
};

struct metrics {
    struct table index;
    _Atomic(struct series *) newest;
};

static inline enum metric series_metric(struct span key)
{
    return (enum metric)key.ptr[0];
}

/* a + b, both not negative, INT64_MAX when more: a counter that stops beats one that wraps. */
static inline int64_t add_or_stop(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

#endif
