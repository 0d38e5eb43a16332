/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics: the workers' counters summed, and gauges gathered here: budgets, the configuration,
 * the process.
 */
#include "admin_private.h"
#include "process_stats.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/money.h"
#include "telemetry/metrics.h"

/* A budget has four samples and a label of two names, escaped. */
#define ARENA_LEAST      (64 * 1024)
#define ARENA_PER_BUDGET 2048

struct samples {
    struct arena arena;
    struct gauge_sample *items;
    size_t count;
    size_t capacity;
};

static void add(struct samples *samples, struct gauge_sample sample)
{
    if (samples->count < samples->capacity)
        samples->items[samples->count++] = sample;
}

/* ---- budgets ---- */

struct budget_line {
    const char *labels;
    struct budget_view view;
    struct ladder_view ladder;
};

static const char *budget_labels(struct samples *samples, const struct budget *budget)
{
    struct buf text;
    buf_init(&text, 4096, 0);
    buf_append(&text, SPAN("budget=\""));
    metrics_escape_label(&text, span_from_string(budget->label));
    buf_append_byte(&text, '"');
    const char *labels = arena_copy(&samples->arena, buf_span(&text)).ptr;
    buf_fini(&text);
    return labels;
}

static size_t look_at_budgets(struct samples *samples, const struct allowance *allowance,
                              struct ladder_now now, struct budget_line *lines)
{
    for (size_t i = 0; i < allowance->budget_count; i++) {
        const struct budget *budget = &allowance->budgets[i];
        lines[i].labels = budget_labels(samples, budget);
        budget_look(budget, NULL, now.wall_ns, &lines[i].view);
        budget_ladder_look(budget, NULL, now, &lines[i].ladder);
    }
    return allowance->budget_count;
}

static size_t count_budgets(const struct snapshot *snapshot)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        count += snapshot->tenants[i]->allowance.budget_count;
    for (size_t i = 0; i < snapshot->key_count; i++)
        count += snapshot->keys[i]->allowance.budget_count;
    return count;
}

static size_t gather_budgets(struct samples *samples, const struct snapshot *snapshot,
                             struct budget_line *lines)
{
    size_t count = 0;
    struct ladder_now now = {.wall_ns = clock_wall_ns(), .mono_ns = clock_monotonic_ns()};
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        count += look_at_budgets(samples, &snapshot->tenants[i]->allowance, now, lines + count);
    for (size_t i = 0; i < snapshot->key_count; i++)
        count += look_at_budgets(samples, &snapshot->keys[i]->allowance, now, lines + count);
    return count;
}

static void add_breakers(struct samples *samples, const struct budget_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(samples,
            (struct gauge_sample){.name = "weir_breaker_state",
                                  .help = "0 closed, 1 warn, 2 throttle, 3 downgrade, 4 open.",
                                  .labels = lines[i].labels,
                                  .value = (int64_t)lines[i].ladder.state,
                                  .unit = 1});
}

enum budget_figure { FIGURE_LIMIT, FIGURE_SPENT, FIGURE_HELD, FIGURE_UNCERTAIN };

static int64_t figure_of(const struct budget_view *view, enum budget_figure figure)
{
    switch (figure) {
    case FIGURE_LIMIT:
        return view->limit_nusd;
    case FIGURE_SPENT:
        return view->spent_nusd;
    case FIGURE_HELD:
        return view->held_nusd;
    case FIGURE_UNCERTAIN:
        break;
    }
    return view->uncertain_nusd;
}

static void add_budget_family(struct samples *samples, const char *name, const char *help,
                              const struct budget_line *lines, size_t count,
                              enum budget_figure figure)
{
    for (size_t i = 0; i < count; i++)
        if (lines[i].view.limit_nusd != BUDGET_NO_LIMIT) /* else it is in tokens */
            add(samples, (struct gauge_sample){.name = name,
                                               .help = help,
                                               .labels = lines[i].labels,
                                               .value = figure_of(&lines[i].view, figure),
                                               .unit = NUSD_PER_USD});
}

static void add_budgets(struct samples *samples, const struct snapshot *snapshot)
{
    struct budget_line *lines =
        arena_array(&samples->arena, count_budgets(snapshot) + 1, sizeof *lines);
    if (lines == NULL)
        return;
    size_t count = gather_budgets(samples, snapshot, lines);
    add_budget_family(samples, "weir_budget_limit_usd", "The limit of a budget.", lines, count,
                      FIGURE_LIMIT);
    add_budget_family(samples, "weir_budget_spent_usd", "Spent in the window that is open.", lines,
                      count, FIGURE_SPENT);
    add_budget_family(samples, "weir_budget_held_usd", "Held by requests in flight.", lines, count,
                      FIGURE_HELD);
    add_budget_family(samples, "weir_budget_uncertain_usd",
                      "Held because the provider may have billed it without saying so.", lines,
                      count, FIGURE_UNCERTAIN);
    add_breakers(samples, lines, count);
}

/* ---- providers ---- */

/* Of all its targets the worst; a provider without targets is well. */
static enum health_state worst_state(const struct snapshot *snapshot,
                                     const struct provider *provider, int64_t now_ns)
{
    enum health_state worst = HEALTH_CLOSED;
    for (size_t i = 0; i < snapshot->model_count; i++) {
        const struct model *model = snapshot->models[i];
        for (size_t j = 0; j < model->target_count; j++) {
            enum health_state state = health_look(model->targets[j].health, now_ns);
            if (model->targets[j].provider == provider && state > worst)
                worst = state;
        }
    }
    return worst;
}

static void add_providers(struct samples *samples, const struct snapshot *snapshot)
{
    int64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        const struct provider *provider = snapshot->providers[i];
        /* A provider's name holds nothing that would have to be escaped. */
        struct span labels = arena_printf(&samples->arena, "provider=\"%s\"", provider->name);
        add(samples,
            (struct gauge_sample){
                .name = "weir_upstream_breaker_state",
                .help = "The worst of a provider's targets: 0 closed, 1 half-open, 2 open.",
                .labels = labels.ptr,
                .value = worst_state(snapshot, provider, now_ns),
                .unit = 1});
    }
}

/* ---- the rest ---- */

static void add_config(struct samples *samples, const struct admin *admin)
{
    struct reload_state state = admin->owner->reload_state(admin->argument);
    add(samples,
        (struct gauge_sample){.name = "weir_config_last_reload_successful",
                              .help = "Whether the last load of the configuration was good.",
                              .labels = "",
                              .value = state.successful ? 1 : 0,
                              .unit = 1});
    add(samples, (struct gauge_sample){.name = "weir_config_last_reload_success_timestamp_seconds",
                                       .help = "When the configuration in force was loaded.",
                                       .labels = "",
                                       .value = state.success_wall_ns,
                                       .unit = NS_PER_S});
    add(samples, (struct gauge_sample){.name = "weir_build_info",
                                       .help = "The version of this program.",
                                       .labels = "version=\"" WEIR_VERSION "\"",
                                       .value = 1,
                                       .unit = 1});
}

static void add_ledger(struct samples *samples, const struct admin *admin)
{
    struct ledger_state state = admin->owner->ledger_state(admin->argument);
    add(samples, (struct gauge_sample){.name = "weir_ledger_ok",
                                       .help = "Whether the journal can be written.",
                                       .labels = "",
                                       .value = state.ok ? 1 : 0,
                                       .unit = 1});
    add(samples, (struct gauge_sample){.name = "weir_ledger_lag_records",
                                       .help = "Records of the journal that the database does not "
                                               "have yet.",
                                       .labels = "",
                                       .value = state.lag,
                                       .unit = 1});
}

static void add_process(struct samples *samples)
{
    struct process_stats stats;
    process_stats_read(&stats);
    const struct gauge_sample items[] = {
        {.name = "process_cpu_seconds_total",
         .help = "Processor time used.",
         .labels = "",
         .value = stats.cpu_ns,
         .unit = NS_PER_S,
         .is_counter = true},
        {.name = "process_resident_memory_bytes",
         .help = "Resident memory.",
         .labels = "",
         .value = stats.resident_bytes,
         .unit = 1},
        {.name = "process_open_fds",
         .help = "Open file descriptors.",
         .labels = "",
         .value = stats.open_fds,
         .unit = 1},
        {.name = "process_max_fds",
         .help = "Most file descriptors that may be open.",
         .labels = "",
         .value = stats.max_fds,
         .unit = 1},
        {.name = "process_start_time_seconds",
         .help = "When the process started.",
         .labels = "",
         .value = stats.start_wall_ns,
         .unit = NS_PER_S},
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        add(samples, items[i]);
}

static bool wants_openmetrics(const struct headers *headers)
{
    struct span accept = headers_get(headers, SPAN("accept"));
    return span_search(accept, SPAN("application/openmetrics-text")) < accept.len;
}

static void fail(struct admin_reply *reply)
{
    buf_reset(reply->body, 0);
    buf_append(reply->body, SPAN("the exposition is too large\n"));
    reply->status = 500;
}

void metrics_scrape(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    const struct snapshot *snapshot = admin->owner->snapshot(admin->argument);
    size_t budgets = count_budgets(snapshot);
    size_t providers = snapshot->provider_count;
    struct samples samples = {.capacity = 4 * budgets + providers + 16};
    bool openmetrics = wants_openmetrics(headers);
    arena_init(&samples.arena, ARENA_LEAST + (budgets + providers) * ARENA_PER_BUDGET);
    samples.items = arena_array(&samples.arena, samples.capacity, sizeof *samples.items);
    if (samples.items == NULL)
        samples.capacity = 0;
    add_budgets(&samples, snapshot);
    add_providers(&samples, snapshot);
    add_config(&samples, admin);
    add_ledger(&samples, admin);
    add_process(&samples);
    if (!arena_failed(&samples.arena))
        metrics_render(admin->metrics, admin->worker_count, samples.items, samples.count,
                       openmetrics, reply->body);
    reply->content_type = openmetrics
                              ? SPAN("application/openmetrics-text; version=1.0.0; charset=utf-8")
                              : SPAN("text/plain; version=0.0.4; charset=utf-8");
    if (arena_failed(&samples.arena) || buf_failed(reply->body))
        fail(reply);
    arena_fini(&samples.arena);
}
