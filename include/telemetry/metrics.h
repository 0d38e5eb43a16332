/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics of one worker: counters and histograms with labels, written by that worker alone (relaxed
 * atomics) and read by the scraper on another thread. Series are made on first use and live as long
 * as the worker. Label values come from the configuration, never from clients: that bounds them.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* metrics.def: METRIC(NAME, kind, "weir_name", unit, "help", "label", ...) */
enum metric {
#define METRIC(name, ...) METRIC_##name,
#include "telemetry/metrics.def"
#undef METRIC
    METRIC_COUNT
};

struct metrics;

struct metrics *metrics_new(void);
/* When no scraper can come any more. Accepts NULL. */
void metrics_free(struct metrics **metrics);

#define METRIC_MAX_LABELS     4
#define METRIC_MAX_LABEL_SIZE 128 /* longer values are cut there, on a character boundary */

/* A name as a label's value: "none" where there is none. */
static inline struct span metrics_label(const char *name)
{
    return name[0] != '\0' ? span_from_string(name) : SPAN("none");
}

/* Adds to a counter (in its unit: plain, nano-dollars or nanoseconds). As many label values as
 * metrics.def names (NULL for none), UTF-8, copied. Never negative (asserted); a counter stops at
 * INT64_MAX. The worker's thread only. */
void metrics_add(struct metrics *metrics, enum metric metric, const struct span *labels,
                 int64_t amount);
/* Puts one observation into a histogram. Never negative (asserted). The worker's thread only. */
void metrics_observe(struct metrics *metrics, enum metric metric, const struct span *labels,
                     int64_t value);

/* A point in time that the scraper's caller supplies: gauges. */
struct gauge_sample {
    const char *name; /* "weir_budget_spent_usd" */
    const char *help;
    const char *labels; /* `budget="acme/acme-month"`, escaped already; "" for none */
    int64_t value;
    int64_t unit;    /* what one is in `value`: a power of ten; 1e9 for nano-dollars, nanoseconds */
    bool is_counter; /* the name ends in _total: it is exposed as a counter */
};

/* The text exposition of the sum over the workers, then the gauges (grouped by name by the caller):
 * format 0.0.4, or OpenMetrics 1.0.0. Numbers are exact decimals. A family without a series is left
 * out. The caller looks at buf_failed(out). Any thread. */
void metrics_render(struct metrics *const *workers, size_t worker_count,
                    const struct gauge_sample *gauges, size_t gauge_count, bool openmetrics,
                    struct buf *out);
/* Appends a label value escaped for both formats. */
void metrics_escape_label(struct buf *out, struct span value);

/* The sum of a counter over all its series and the workers given: for tests and the admin page. */
int64_t metrics_total(struct metrics *const *workers, size_t worker_count, enum metric metric);

#endif
