/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: a table from name to entry for each kind of cell. An entry owns its name, which the
 * table borrows, and one reference to its cell. Entries are never removed: a tenant that comes back
 * to the configuration finds what it has spent.
 */
#include "policy/cells.h"

#include "base/memory.h"
#include "base/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *name;
    union { /* by the table it is in */
        struct rate_cell *rate;
        struct gauge_cell *gauge;
        struct budget_cell *budget;
        struct budget_subjects *subjects;
        struct health_cell *health;
        struct estimate_cell *estimate;
    };
};

struct cells {
    struct table rates;
    struct table gauges;
    struct table healths;
    struct table estimates; /* "PROVIDER\tMODEL" */
    struct table budgets;   /* "NAME\tWINDOW" */
    struct table subjects;  /* the same */
    struct outputs *outputs;
};

struct cells *cells_new(void)
{
    struct cells *cells = MEMORY_NEW(struct cells);
    table_init(&cells->rates);
    table_init(&cells->gauges);
    table_init(&cells->healths);
    table_init(&cells->estimates);
    table_init(&cells->budgets);
    table_init(&cells->subjects);
    cells->outputs = outputs_new();
    return cells;
}

static void drop_rate(struct entry *entry)
{
    rate_cell_unref(&entry->rate);
}

static void drop_gauge(struct entry *entry)
{
    gauge_cell_unref(&entry->gauge);
}

static void drop_budget(struct entry *entry)
{
    budget_cell_unref(&entry->budget);
}

static void drop_subjects(struct entry *entry)
{
    budget_subjects_unref(&entry->subjects);
}

static void drop_health(struct entry *entry)
{
    health_cell_unref(&entry->health);
}

static void drop_estimate(struct entry *entry)
{
    estimate_cell_unref(&entry->estimate);
}

static void free_entries(struct table *table, void (*drop)(struct entry *entry))
{
    struct table_slot *slot;
    size_t cursor = 0;
    while ((slot = table_next(table, &cursor)) != NULL) {
        struct entry *entry = slot->value;
        drop(entry);
        free(entry->name);
        free(entry);
    }
    table_fini(table);
}

void cells_free(struct cells **cells)
{
    struct cells *last = *cells;
    *cells = NULL;
    if (last == NULL)
        return;
    free_entries(&last->rates, drop_rate);
    free_entries(&last->gauges, drop_gauge);
    free_entries(&last->healths, drop_health);
    free_entries(&last->estimates, drop_estimate);
    free_entries(&last->budgets, drop_budget);
    free_entries(&last->subjects, drop_subjects);
    outputs_unref(&last->outputs);
    free(last);
}

/* *is_new: the caller must put a cell into it. */
static struct entry *find_or_add(struct table *table, const char *name, bool *is_new)
{
    struct entry *entry = table_get(table, span_from_string(name));
    *is_new = entry == NULL;
    if (entry == NULL) {
        entry = MEMORY_NEW(struct entry);
        entry->name = memory_string(name, strlen(name));
        table_put(table, span_from_string(entry->name), entry);
    }
    return entry;
}

struct rate_cell *cells_rate(struct cells *cells, const char *name)
{
    bool is_new;
    struct entry *entry = find_or_add(&cells->rates, name, &is_new);
    if (is_new)
        entry->rate = rate_cell_new();
    ref_take(&entry->rate->ref);
    return entry->rate;
}

struct gauge_cell *cells_gauge(struct cells *cells, const char *name)
{
    bool is_new;
    struct entry *entry = find_or_add(&cells->gauges, name, &is_new);
    if (is_new)
        entry->gauge = gauge_cell_new();
    ref_take(&entry->gauge->ref);
    return entry->gauge;
}

struct outputs *cells_outputs(struct cells *cells)
{
    return outputs_ref(cells->outputs);
}

struct health_cell *cells_health(struct cells *cells, const char *name)
{
    bool is_new;
    struct entry *entry = find_or_add(&cells->healths, name, &is_new);
    if (is_new)
        entry->health = health_cell_new();
    ref_take(&entry->health->ref);
    return entry->health;
}

/* ---- budgets ---- */

static struct entry *window_entry(struct table *table, const char *name,
                                  const struct window_rule *rule, bool *is_new)
{
    char window[WINDOW_TEXT_SIZE];
    size_t size = strlen(name) + 1 + WINDOW_TEXT_SIZE;
    char *whole = memory_new(size);
    snprintf(whole, size, "%s\t%s", name, window_text(rule, window));
    struct entry *entry = find_or_add(table, whole, is_new);
    free(whole);
    return entry;
}

struct budget_cell *cells_budget(struct cells *cells, const char *name,
                                 const struct window_rule *rule)
{
    bool is_new;
    struct entry *entry = window_entry(&cells->budgets, name, rule, &is_new);
    if (is_new)
        entry->budget = budget_cell_new(name, rule);
    return budget_cell_ref(entry->budget);
}

struct budget_subjects *cells_subjects(struct cells *cells, const char *name,
                                       const struct window_rule *rule)
{
    bool is_new;
    struct entry *entry = window_entry(&cells->subjects, name, rule, &is_new);
    if (is_new)
        entry->subjects = budget_subjects_new(name);
    return budget_subjects_ref(entry->subjects);
}

void cells_walk_budgets(struct cells *cells,
                        void (*visit)(struct budget_cell *cell, void *argument), void *argument)
{
    struct table_slot *slot;
    for (size_t cursor = 0; (slot = table_next(&cells->budgets, &cursor)) != NULL;)
        visit(((struct entry *)slot->value)->budget, argument);
    for (size_t cursor = 0; (slot = table_next(&cells->subjects, &cursor)) != NULL;)
        budget_subjects_walk(((struct entry *)slot->value)->subjects, visit, argument);
}

/* Where the subject begins in the name of a subject's cell; the length when it is none's. */
static size_t subject_at(struct span name)
{
    for (enum budget_per per = BUDGET_PER_KEY; per <= BUDGET_PER_SESSION; per++) {
        char part[24];
        snprintf(part, sizeof(part), " per %s ", budget_per_name(per));
        size_t at = span_search(name, span_from_string(part));
        if (at < name.len)
            return at + strlen(part);
    }
    return name.len;
}

bool cells_restore(struct cells *cells, const char *name, const char *window, enum budget_unit unit,
                   int64_t window_id, int64_t spent, int64_t uncertain)
{
    struct window_rule rule;
    if (!window_parse(span_from_string(window), &rule))
        return false;
    struct span whole = span_from_string(name);
    size_t at = subject_at(whole);
    struct budget_cell *cell;
    if (at < whole.len) {
        char *prefix = memory_string(name, at - 1);
        struct budget_subjects *subjects = cells_subjects(cells, prefix, &rule);
        cell = budget_subjects_cell(subjects, span_from(whole, at), INT64_MAX, &rule, 0);
        budget_subjects_unref(&subjects);
        free(prefix);
    } else {
        cell = cells_budget(cells, name, &rule);
    }
    budget_cell_restore(cell, &rule, unit, window_id, spent, uncertain);
    budget_cell_unref(&cell);
    return true;
}

/* ---- estimates ---- */

static struct entry *estimate_entry(struct cells *cells, struct span provider, struct span model)
{
    bool is_new;
    char *name = memory_new(provider.len + model.len + 2);
    memcpy(name, provider.ptr, provider.len);
    name[provider.len] = '\t';
    memcpy(name + provider.len + 1, model.ptr, model.len);
    struct entry *entry = find_or_add(&cells->estimates, name, &is_new);
    free(name);
    if (is_new)
        entry->estimate = estimate_cell_new(provider, model);
    return entry;
}

struct estimate_cell *cells_estimate(struct cells *cells, const char *provider, struct span model)
{
    struct entry *entry = estimate_entry(cells, span_from_string(provider), model);
    ref_take(&entry->estimate->ref);
    return entry->estimate;
}

void cells_write_estimates(struct cells *cells, struct buf *out)
{
    struct table_slot *slot;
    size_t cursor = 0;
    while ((slot = table_next(&cells->estimates, &cursor)) != NULL) {
        const struct entry *entry = slot->value;
        pthread_mutex_lock(&entry->estimate->mutex);
        struct estimate estimate = entry->estimate->estimate;
        pthread_mutex_unlock(&entry->estimate->mutex);
        if (estimate.learned == 0)
            continue;
        buf_printf(out, "%s\t", entry->name);
        estimate_write(&estimate, out);
        buf_append(out, SPAN("\n"));
    }
}

static bool read_estimate(struct cells *cells, struct span line)
{
    struct span provider, model;
    struct estimate estimate;
    struct span rest = span_cut(span_cut(line, '\t', &provider), '\t', &model);
    if (provider.len == 0 || model.len == 0 || !estimate_read(rest, &estimate))
        return false;
    struct estimate_cell *cell = estimate_entry(cells, provider, model)->estimate;
    pthread_mutex_lock(&cell->mutex);
    cell->estimate = estimate;
    pthread_mutex_unlock(&cell->mutex);
    return true;
}

size_t cells_read_estimates(struct cells *cells, struct span text)
{
    size_t bad = 0;
    while (text.len > 0) {
        struct span line;
        text = span_cut(text, '\n', &line);
        bad += line.len > 0 && !read_estimate(cells, line);
    }
    return bad;
}
