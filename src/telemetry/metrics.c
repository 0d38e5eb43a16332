/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing metrics. A worker finds the series in its own index by a key built on the stack: one
 * hash, one comparison, no lock. There is one writer, so a relaxed load and store add without a
 * locked instruction. The scraper walks the list instead of the index: a series is complete before
 * `newest` shows it (release), and the scraper reads `newest` first (acquire); the counts
 * themselves need no order, as a scrape may fall between any two additions.
 */
#include "telemetry/metrics.h"

#include "base/assert.h"
#include "base/memory.h"
#include "metrics_private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KEY_SIZE (1 + METRIC_MAX_LABELS * (1 + METRIC_MAX_LABEL_SIZE))

struct metrics *metrics_new(void)
{
    struct metrics *metrics = MEMORY_NEW(struct metrics);
    table_init(&metrics->index);
    atomic_init(&metrics->newest, NULL);
    return metrics;
}

void metrics_free(struct metrics **metrics)
{
    struct metrics *last = *metrics;
    *metrics = NULL;
    if (last == NULL)
        return;
    struct series *series = atomic_load_explicit(&last->newest, memory_order_acquire);
    while (series != NULL) {
        struct series *older = series->next;
        free(series);
        series = older;
    }
    table_fini(&last->index);
    free(last);
}

/* At most METRIC_MAX_LABEL_SIZE bytes, not in the middle of a UTF-8 character. */
static size_t label_size(struct span label)
{
    if (label.len <= METRIC_MAX_LABEL_SIZE)
        return label.len;
    size_t size = METRIC_MAX_LABEL_SIZE;
    while (size > 0 && ((unsigned char)label.ptr[size] & 0xC0) == 0x80)
        size--;
    return size;
}

/* Returns the key's size. The lengths keep ("ab", "c") and ("a", "bc") apart. */
static size_t build_key(char key[MAX_KEY_SIZE], enum metric metric, const struct span *labels)
{
    size_t count = metric_families[metric].label_count;
    size_t at = 0;
    key[at++] = (char)metric;
    for (size_t i = 0; i < count; i++) {
        size_t size = label_size(labels[i]);
        key[at++] = (char)(unsigned char)size;
        if (size > 0)
            memcpy(key + at, labels[i].ptr, size);
        at += size;
    }
    return at;
}

/* Head, cells and key in one piece: they are read together and live equally long. */
static struct series *add_series(struct metrics *metrics, enum metric metric, struct span key)
{
    size_t cells_size = metric_cell_count(metric) * sizeof(_Atomic int64_t);
    struct series *series = memory_new(sizeof(*series) + cells_size + key.len);
    char *own_key = (char *)series->cells + cells_size;
    memcpy(own_key, key.ptr, key.len);
    series->key = span_make(own_key, key.len);
    series->next = atomic_load_explicit(&metrics->newest, memory_order_relaxed);
    atomic_store_explicit(&metrics->newest, series, memory_order_release);
    table_put(&metrics->index, series->key, series);
    return series;
}

static struct series *find_series(struct metrics *metrics, enum metric metric,
                                  const struct span *labels)
{
    char bytes[MAX_KEY_SIZE];
    struct span key = span_make(bytes, build_key(bytes, metric, labels));
    struct series *series = table_get(&metrics->index, key);
    return series != NULL ? series : add_series(metrics, metric, key);
}

/* No fetch-and-add: nobody else writes. */
static void add(_Atomic int64_t *cell, int64_t amount)
{
    int64_t now = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, add_or_stop(now, amount), memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metric metric, const struct span *labels,
                 int64_t amount)
{
    ASSERT(metric_families[metric].kind == KIND_COUNTER && amount >= 0);
    add(&find_series(metrics, metric, labels)->cells[0], amount);
}

void metrics_observe(struct metrics *metrics, enum metric metric, const struct span *labels,
                     int64_t value)
{
    const struct bucket_set *set = metric_buckets(metric);
    size_t bucket = 0; /* found by walking: there are two dozen at most, and small values abound */
    ASSERT(set->count > 0 && value >= 0);
    while (bucket < set->count && value > set->buckets[bucket].most)
        bucket++;
    struct series *series = find_series(metrics, metric, labels);
    add(&series->cells[0], value);
    add(&series->cells[1 + bucket], 1);
}

int64_t metrics_total(struct metrics *const *workers, size_t worker_count, enum metric metric)
{
    int64_t total = 0;
    ASSERT(metric_families[metric].kind == KIND_COUNTER);
    for (size_t i = 0; i < worker_count; i++) {
        struct series *series = atomic_load_explicit(&workers[i]->newest, memory_order_acquire);
        for (; series != NULL; series = series->next)
            if (series_metric(series->key) == metric)
                total = add_or_stop(total,
                                    atomic_load_explicit(&series->cells[0], memory_order_relaxed));
    }
    return total;
}
