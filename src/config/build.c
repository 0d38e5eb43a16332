/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References that a snapshot holds (routes, cells) are given back by cleanups of its arena, so that
 * one that is dropped half-way gives back exactly what it took.
 *
 * Two halves, since a bad file must change nothing: build_routes() may still find a problem and
 * touches nothing that is shared; build_snapshot() sets the limits of cells that requests of older
 * snapshots are using at this moment, and cannot fail.
 */
#include "build.h"

#include "crypto/secret.h"
#include "warn.h"

#include <string.h>

/* ---- what the arena gives back ---- */

static void drop_route(void *route)
{
    struct upstream_route *last = route;
    upstream_route_unref(&last);
}

static void drop_rate(void *cell)
{
    struct rate_cell *last = cell;
    rate_cell_unref(&last);
}

static void drop_gauge(void *cell)
{
    struct gauge_cell *last = cell;
    gauge_cell_unref(&last);
}

static void drop_budget(void *cell)
{
    struct budget_cell *last = cell;
    budget_cell_unref(&last);
}

static void drop_subjects(void *subjects)
{
    struct budget_subjects *last = subjects;
    budget_subjects_unref(&last);
}

static void drop_outputs(void *outputs)
{
    struct outputs *last = outputs;
    outputs_unref(&last);
}

static void drop_health(void *cell)
{
    struct health_cell *last = cell;
    health_cell_unref(&last);
}

static void drop_estimate(void *cell)
{
    struct estimate_cell *last = cell;
    estimate_cell_unref(&last);
}

static void give_back_at_end(struct check *check, void (*drop)(void *), void *resource)
{
    bool kept = arena_on_end(&check->snapshot->arena, drop, resource);
    ASSERT(kept);
}

/* ---- routes ---- */

static struct span join(struct check *check, struct span a, struct span b)
{
    struct span text = arena_printf(check->scratch, "%.*s%.*s", SPAN_ARG(a), SPAN_ARG(b));
    ASSERT(text.ptr != NULL);
    return text;
}

static void wipe_api_key(void *provider)
{
    struct span key = ((struct provider *)provider)->api_key;
    secret_wipe((char *)(uintptr_t)key.ptr, key.len); /* in the snapshot's arena, which is ours */
}

static const struct span paths[CALL_KIND_COUNT] = {
    [CALL_CHAT] = SPAN_INIT("/chat/completions"),
    [CALL_COMPLETIONS] = SPAN_INIT("/completions"),
    [CALL_EMBEDDINGS] = SPAN_INIT("/embeddings"),
};

/* Two header fields at most: the transport prints them anew for each request. */
static void build_provider(struct check *check, struct draft_provider *draft)
{
    struct span key = draft->api_key.text;
    struct span bearer = join(check, SPAN("Bearer "), key);
    struct header headers[] = {{SPAN("Content-Type"), SPAN("application/json")},
                               {SPAN("Authorization"), bearer}};
    struct upstream_route_settings settings = {
        .headers = headers,
        .header_count = key.len > 0 ? 2 : 1,
        /* The simulator is in this process: no proxy could reach it. */
        .proxy = draft->provider.kind == PROVIDER_SIMULATED ? SPAN_NONE : check->proxy,
        .ca_file = check->ca_file,
        .http2 = draft->http2,
        .connect_timeout_ms = check->snapshot->timeouts.connect_ms};
    bool usable = true;
    for (size_t kind = 0; kind < CALL_KIND_COUNT; kind++) {
        settings.url = join(check, draft->base_url, paths[kind]);
        struct upstream_route *route = upstream_route_new(&settings);
        draft->provider.routes[kind] = route;
        usable = usable && route != NULL;
        if (route != NULL)
            give_back_at_end(check, drop_route, route);
    }
    secret_wipe((char *)(uintptr_t)bearer.ptr, bearer.len);
    draft->provider.api_key = config_copy(&check->snapshot->arena, key);
    give_back_at_end(check, wipe_api_key, &draft->provider);
    if (!usable)
        report_add(check->report, draft->at, "the provider's URL cannot be used");
}

void build_routes(struct check *check)
{
    LIST_FOR_EACH (link, &check->providers)
        build_provider(check, LIST_ITEM(link, struct draft_provider, link));
}

/* ---- cells ---- */

/* Names under which policy/cells.h keeps state from one snapshot to the next: none may mean two
 * things. Paths, ids and budget names hold no space, so a space parts what they are made of. */
static const char *cell_name(struct check *check, const char *owner, const char *what)
{
    struct span name = arena_printf(check->scratch, "%s %s", owner, what);
    ASSERT(name.ptr != NULL);
    return name.ptr;
}

/* "tenant acme/search" and a name: "acme/search/day"; "key batch": "key:batch/day". */
static const char *budget_label(struct check *check, struct span owner, const char *name)
{
    struct span kind;
    struct span who = span_cut(owner, ' ', &kind);
    struct span label =
        arena_printf(&check->snapshot->arena, "%s%.*s/%s",
                     span_equal(kind, SPAN("key")) ? "key:" : "", SPAN_ARG(who), name);
    ASSERT(label.ptr != NULL);
    return label.ptr;
}

/* From here on cells change, so nothing below may fail. */
static void build_budget(struct check *check, const char *owner, struct budget *budget)
{
    struct cells *cells = check->settings->cells;
    budget->label = budget_label(check, span_from_string(owner), budget->name);
    const char *name = cell_name(check, owner, cell_name(check, "budget", budget->name));
    if (budget->per == BUDGET_PER_TENANT) {
        budget->cell = cells_budget(cells, name, &budget->window);
        give_back_at_end(check, drop_budget, budget->cell);
        budget_cell_set_limit(budget->cell, BUDGET_NUSD, budget->limit_nusd);
        budget_cell_set_limit(budget->cell, BUDGET_TOKENS, budget->limit_tokens);
        return;
    }
    name = cell_name(check, name, cell_name(check, "per", budget_per_name(budget->per)));
    budget->subjects = cells_subjects(cells, name, &budget->window);
    give_back_at_end(check, drop_subjects, budget->subjects);
    budget_subjects_set_limits(budget->subjects, budget->limit_nusd, budget->limit_tokens);
}

static struct budget *build_budgets(struct check *check, const char *owner,
                                    const struct draft_allowance *draft)
{
    struct budget *budgets =
        config_alloc(&check->snapshot->arena, draft->budget_count, sizeof(*budgets));
    for (size_t i = 0; i < draft->budget_count; i++) {
        budgets[i] = draft->budgets[i].budget;
        build_budget(check, owner, &budgets[i]);
    }
    return budgets;
}

/* `owner`: "tenant acme/search". */
static void build_allowance(struct check *check, const char *owner,
                            const struct draft_allowance *draft, struct allowance *allowance)
{
    struct cells *cells = check->settings->cells;
    if (draft->requests_per_minute > 0) {
        allowance->rate = cells_rate(cells, cell_name(check, owner, "rate"));
        give_back_at_end(check, drop_rate, allowance->rate);
        rate_cell_set(allowance->rate, draft->requests_per_minute);
    }
    if (draft->tokens_per_minute > 0) {
        allowance->tokens = cells_rate(cells, cell_name(check, owner, "tokens"));
        give_back_at_end(check, drop_rate, allowance->tokens);
        rate_cell_set(allowance->tokens, draft->tokens_per_minute);
    }
    allowance->max_input_tokens = draft->max_input_tokens;
    if (draft->concurrent > 0) {
        allowance->gauge = cells_gauge(cells, cell_name(check, owner, "gauge"));
        give_back_at_end(check, drop_gauge, allowance->gauge);
        gauge_cell_set(allowance->gauge, draft->concurrent);
    }
    allowance->budgets = build_budgets(check, owner, draft);
    allowance->budget_count = draft->budget_count;
}

/* ---- arrays ---- */

static void build_providers(struct check *check)
{
    struct snapshot *snapshot = check->snapshot;
    const struct provider **all =
        config_alloc(&snapshot->arena, snapshot->provider_count, sizeof(*all));
    snapshot->providers = all;
    LIST_FOR_EACH (link, &check->providers)
        *all++ = &LIST_ITEM(link, struct draft_provider, link)->provider;
}

/* The provider's name for a model may hold spaces, and so comes last. */
static void build_targets(struct check *check, struct draft_model *draft)
{
    for (size_t i = 0; i < draft->model.target_count; i++) {
        struct target *target = &draft->targets[i];
        struct span name =
            arena_printf(check->scratch, "target %.*s %s %.*s", SPAN_ARG(draft->model.name),
                         target->provider->name, SPAN_ARG(target->model));
        ASSERT(name.ptr != NULL);
        target->health = cells_health(check->settings->cells, name.ptr);
        give_back_at_end(check, drop_health, target->health);
        target->estimate =
            cells_estimate(check->settings->cells, target->provider->name, target->model);
        give_back_at_end(check, drop_estimate, target->estimate);
    }
}

static void build_models(struct check *check)
{
    struct snapshot *snapshot = check->snapshot;
    const struct model **all = config_alloc(&snapshot->arena, snapshot->model_count, sizeof(*all));
    snapshot->models = all;
    LIST_FOR_EACH (link, &check->models) {
        struct draft_model *draft = LIST_ITEM(link, struct draft_model, link);
        build_targets(check, draft);
        *all++ = &draft->model;
    }
}

static void build_tenants(struct check *check)
{
    struct snapshot *snapshot = check->snapshot;
    const struct tenant **all =
        config_alloc(&snapshot->arena, snapshot->tenant_count, sizeof(*all));
    snapshot->tenants = all;
    LIST_FOR_EACH (link, &check->tenants) {
        struct draft_tenant *draft = LIST_ITEM(link, struct draft_tenant, link);
        build_allowance(check, cell_name(check, "tenant", draft->tenant.path), &draft->allowance,
                        &draft->tenant.allowance);
        *all++ = &draft->tenant;
    }
}

static void build_keys(struct check *check)
{
    struct snapshot *snapshot = check->snapshot;
    const struct key **all = config_alloc(&snapshot->arena, snapshot->key_count, sizeof(*all));
    snapshot->keys = all;
    LIST_FOR_EACH (link, &check->keys) {
        struct draft_key *draft = LIST_ITEM(link, struct draft_key, link);
        build_allowance(check, cell_name(check, "key", draft->key.id), &draft->allowance,
                        &draft->key.allowance);
        *all++ = &draft->key;
    }
}

/* A list of draft_text as an array of strings. */
static const char *const *build_texts(struct check *check, const struct list *list, size_t *count)
{
    *count = 0;
    LIST_FOR_EACH (link, list)
        ++*count;
    const char **all = config_alloc(&check->snapshot->arena, *count, sizeof(*all));
    const char **next = all;
    LIST_FOR_EACH (link, list)
        *next++ = LIST_ITEM(link, struct draft_text, link)->text;
    return all;
}

void build_snapshot(struct check *check)
{
    static uint64_t generation;
    struct snapshot *snapshot = check->snapshot;
    build_providers(check);
    build_models(check);
    build_tenants(check);
    build_keys(check);
    snapshot->outputs = cells_outputs(check->settings->cells);
    give_back_at_end(check, drop_outputs, snapshot->outputs);
    warn_all(check);
    snapshot->files = build_texts(check, &check->files, &snapshot->file_count);
    snapshot->warnings = build_texts(check, &check->warnings, &snapshot->warning_count);
    snapshot->generation = ++generation;
}
