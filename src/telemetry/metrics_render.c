/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text exposition: Prometheus' format 0.0.4 and OpenMetrics 1.0.0, which differ in how a
 * counter's family is called and in the last line. Series with equal keys are summed over the
 * workers, sorted by key (so families come in the order of metrics.def), and printed with exact
 * decimals.
 *
 * A histogram's count is the sum of its buckets, so that both always agree; its sum may be one
 * observation ahead or behind, as the worker goes on meanwhile.
 */
#include "base/memory.h"
#include "metrics_private.h"

#include <stdlib.h>
#include <string.h>

/* A series of all workers. */
struct total {
    struct span key; /* borrowed from one of them */
    int64_t cells[METRIC_MAX_CELLS];
};

struct totals {
    struct table index; /* key → item */
    struct total **items;
    size_t count;
    size_t capacity;
};

static struct total *find_total(struct totals *totals, struct span key)
{
    struct total *total = table_get(&totals->index, key);
    if (total != NULL)
        return total;
    if (totals->count == totals->capacity) {
        totals->capacity = totals->capacity > 0 ? totals->capacity * 2 : 64;
        totals->items = memory_resize(totals->items, totals->capacity, sizeof(struct total *));
    }
    total = MEMORY_NEW(struct total);
    total->key = key;
    table_put(&totals->index, key, total);
    totals->items[totals->count++] = total;
    return total;
}

/* Adds what a worker has right now; it may be making series meanwhile. */
static void collect(struct totals *totals, struct metrics *worker)
{
    struct series *series = atomic_load_explicit(&worker->newest, memory_order_acquire);
    for (; series != NULL; series = series->next) {
        struct total *total = find_total(totals, series->key);
        size_t cells = metric_cell_count(series_metric(series->key));
        for (size_t i = 0; i < cells; i++)
            total->cells[i] = add_or_stop(
                total->cells[i], atomic_load_explicit(&series->cells[i], memory_order_relaxed));
    }
}

static int compare_totals(const void *a, const void *b)
{
    return span_compare((*(struct total *const *)a)->key, (*(struct total *const *)b)->key);
}

/* value ÷ unit, exactly: unit is a power of ten. */
static void put_number(struct buf *out, int64_t value, int64_t unit)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t rest = magnitude % (uint64_t)unit;
    if (value < 0)
        buf_append_byte(out, '-');
    buf_append_u64(out, magnitude / (uint64_t)unit);
    if (rest > 0)
        buf_append_byte(out, '.');
    for (uint64_t place = (uint64_t)unit / 10; rest > 0; place /= 10) {
        buf_append_byte(out, (char)('0' + rest / place));
        rest %= place;
    }
}

void metrics_escape_label(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if (byte == '\\' || byte == '"' || byte == '\n')
            buf_append_byte(out, '\\');
        buf_append_byte(out, byte == '\n' ? 'n' : byte);
    }
}

static void put_text(struct buf *out, const char *text)
{
    buf_append(out, span_from_string(text));
}

/* Takes the name's end off in OpenMetrics, where a counter's family is called without it. */
static struct span family_name(const char *name, bool is_counter, bool openmetrics)
{
    struct span family = span_from_string(name);
    struct span end = SPAN("_total");
    if (openmetrics && is_counter && span_ends_with(family, end))
        family.len -= end.len;
    return family;
}

static void put_head(struct buf *out, struct span family, const char *help, const char *type)
{
    buf_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", SPAN_ARG(family), help, SPAN_ARG(family),
               type);
}

/* name + suffix {labels, le} and the space before the value; le NULL: none. */
static void put_sample(struct buf *out, struct span key, const char *suffix, const char *le)
{
    const struct family *family = &metric_families[series_metric(key)];
    const char *separator = "{";
    struct span at = span_from(key, 1);
    put_text(out, family->name);
    put_text(out, suffix);
    for (size_t i = 0; i < family->label_count; i++) {
        size_t size = (unsigned char)at.ptr[0];
        put_text(out, separator);
        put_text(out, family->labels[i]);
        put_text(out, "=\"");
        metrics_escape_label(out, span_make(at.ptr + 1, size));
        put_text(out, "\"");
        at = span_from(at, 1 + size);
        separator = ",";
    }
    if (le != NULL) {
        buf_printf(out, "%sle=\"%s\"", separator, le);
        separator = ",";
    }
    put_text(out, *separator == ',' ? "} " : " ");
}

/* The cells count each bucket alone; the format wants how many are at most the bound. */
static void put_histogram(struct buf *out, const struct total *total)
{
    enum metric metric = series_metric(total->key);
    const struct bucket_set *set = metric_buckets(metric);
    int64_t count = 0;
    for (size_t i = 0; i <= set->count; i++) {
        count = add_or_stop(count, total->cells[1 + i]);
        put_sample(out, total->key, "_bucket", i < set->count ? set->buckets[i].text : "+Inf");
        put_number(out, count, 1);
        buf_append_byte(out, '\n');
    }
    put_sample(out, total->key, "_sum", NULL);
    put_number(out, total->cells[0], metric_families[metric].unit);
    buf_append_byte(out, '\n');
    put_sample(out, total->key, "_count", NULL);
    put_number(out, count, 1);
    buf_append_byte(out, '\n');
}

static void put_counter(struct buf *out, const struct total *total)
{
    put_sample(out, total->key, "", NULL);
    put_number(out, total->cells[0], metric_families[series_metric(total->key)].unit);
    buf_append_byte(out, '\n');
}

/* In the order of keys all series of a family follow one another, so its head is written once. */
static void put_totals(struct buf *out, const struct totals *totals, bool openmetrics)
{
    enum metric last = METRIC_COUNT;
    for (size_t i = 0; i < totals->count; i++) {
        enum metric metric = series_metric(totals->items[i]->key);
        const struct family *family = &metric_families[metric];
        bool is_counter = family->kind == KIND_COUNTER;
        if (metric != last)
            put_head(out, family_name(family->name, is_counter, openmetrics), family->help,
                     is_counter ? "counter" : "histogram");
        last = metric;
        if (is_counter)
            put_counter(out, totals->items[i]);
        else
            put_histogram(out, totals->items[i]);
    }
}

static void put_gauges(struct buf *out, const struct gauge_sample *gauges, size_t count,
                       bool openmetrics)
{
    for (size_t i = 0; i < count; i++) {
        const struct gauge_sample *gauge = &gauges[i];
        if (i == 0 || strcmp(gauges[i - 1].name, gauge->name) != 0)
            put_head(out, family_name(gauge->name, gauge->is_counter, openmetrics), gauge->help,
                     gauge->is_counter ? "counter" : "gauge");
        put_text(out, gauge->name);
        if (gauge->labels[0] != '\0')
            buf_printf(out, "{%s}", gauge->labels);
        buf_append_byte(out, ' ');
        put_number(out, gauge->value, gauge->unit);
        buf_append_byte(out, '\n');
    }
}

void metrics_render(struct metrics *const *workers, size_t worker_count,
                    const struct gauge_sample *gauges, size_t gauge_count, bool openmetrics,
                    struct buf *out)
{
    struct totals totals = {0};
    table_init(&totals.index);
    for (size_t i = 0; i < worker_count; i++)
        collect(&totals, workers[i]);
    if (totals.count > 0)
        qsort(totals.items, totals.count, sizeof(struct total *), compare_totals);
    put_totals(out, &totals, openmetrics);
    put_gauges(out, gauges, gauge_count, openmetrics);
    if (openmetrics)
        put_text(out, "# EOF\n");
    for (size_t i = 0; i < totals.count; i++)
        free(totals.items[i]);
    free(totals.items);
    table_fini(&totals.index);
}
