/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `weir check` prints of a good file: first what will happen, then what can go wrong, for an
 * operator who did not write the file. It says no more than this version keeps.
 */
#include "summary.h"
#include "base/clock.h"
#include "config/load.h"

#include <inttypes.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_ledger(const struct snapshot *snapshot, FILE *out)
{
    const struct ledger_rule *ledger = &snapshot->ledger;
    fprintf(out, "ledger: %s, durability %s, receipts for %" PRId64 " days%s\n",
            snapshot->state_dir, ledger->durability == LEDGER_STRICT ? "strict" : "default",
            ledger->retention_ms / DAY_MS, ledger->must_exist ? ", must exist" : "");
}

static void print_head(const struct snapshot *snapshot, FILE *out)
{
    fprintf(out, "%zu provider%s, %zu model%s, %zu tenant%s, %zu key%s\n", snapshot->provider_count,
            plural(snapshot->provider_count), snapshot->model_count, plural(snapshot->model_count),
            snapshot->tenant_count, plural(snapshot->tenant_count), snapshot->key_count,
            plural(snapshot->key_count));
    fprintf(out, "\nlisten:");
    for (size_t i = 0; i < snapshot->listen_count; i++)
        fprintf(out, " %s%s", snapshot->listen[i].text,
                snapshot->listen[i].tls != NULL ? " (TLS)" : "");
    fprintf(out, "\nadmin: %s\n", snapshot->admin_listen != NULL ? snapshot->admin_listen : "off");
    print_ledger(snapshot, out);
}

static void print_providers(const struct snapshot *snapshot, FILE *out)
{
    fprintf(out, "\nproviders\n");
    for (size_t i = 0; i < snapshot->provider_count; i++) {
        const struct provider *provider = snapshot->providers[i];
        if (provider->kind == PROVIDER_SIMULATED)
            fprintf(out, "  %s: simulated, inside this program\n", provider->name);
        else
            fprintf(out, "  %s: openai, %s\n", provider->name, provider->base_url);
    }
}

/* ---- models ---- */

static void print_targets(const struct model *model, FILE *out)
{
    for (size_t i = 0; i < model->target_count; i++) {
        const struct target *target = &model->targets[i];
        fprintf(out, "%s%s, %.*s", i > 0 ? " or " : "", target->provider->name,
                SPAN_ARG(target->model));
        if (model->target_count > 1)
            fprintf(out, " (weight %" PRId64 ")", target->weight);
    }
    fprintf(out, "; %" PRId64 " %s", model->retries.attempts,
            model->retries.attempts == 1 ? "try" : "tries");
    if (model->fallback != NULL)
        fprintf(out, ", then %.*s", SPAN_ARG(model->fallback->name));
}

static void print_model(const struct model *model, FILE *out)
{
    fprintf(out, "  %.*s: ", SPAN_ARG(model->name));
    print_targets(model, out);
    fprintf(out, "; output at most %" PRId64 " tokens", model->max_output_tokens);
    summary_prices(model, out);
}

static void print_models(const struct snapshot *snapshot, FILE *out)
{
    fprintf(out, "\nmodels\n");
    if (snapshot->prices_file != NULL)
        fprintf(out, "  catalogue: %s\n", snapshot->prices_file);
    for (size_t i = 0; i < snapshot->model_count; i++)
        print_model(snapshot->models[i], out);
}

/* ---- tenants and keys ---- */

static void print_limits(const struct allowance *allowance, FILE *out)
{
    if (allowance->rate != NULL)
        fprintf(out, "; %" PRId64 " requests a minute", allowance->rate->per_minute);
    if (allowance->gauge != NULL)
        fprintf(out, "; %" PRId64 " at once", allowance->gauge->limit);
}

/* With its keys, which lie in the snapshot beside those of others. */
static void print_tenant(const struct snapshot *snapshot, const struct tenant *tenant, FILE *out)
{
    fprintf(out, "  %s: ", tenant->path);
    if (tenant->models == NULL)
        fprintf(out, "all models");
    for (size_t i = 0; tenant->models != NULL && i < tenant->model_count; i++)
        fprintf(out, "%s%.*s", i > 0 ? ", " : "", SPAN_ARG(tenant->models[i]));
    print_limits(&tenant->allowance, out);
    fprintf(out, "\n");
    summary_budgets(&tenant->allowance, "    ", out);
    for (size_t i = 0; i < snapshot->key_count; i++) {
        const struct key *key = snapshot->keys[i];
        if (key->tenant != tenant)
            continue;
        fprintf(out, "    key %s", key->id);
        if (key->expires_wall_ns > 0) {
            char date[CLOCK_RFC3339_SIZE];
            fprintf(out, "; expires %.10s", clock_rfc3339(key->expires_wall_ns, date));
        }
        print_limits(&key->allowance, out);
        fprintf(out, "\n");
        summary_budgets(&key->allowance, "      ", out);
    }
}

/* ---- what can go wrong ---- */

static void print_money(const struct snapshot *snapshot, FILE *out)
{
    fprintf(
        out,
        "\nwhat budgets hold\n"
        "  Budgets live in memory in this version: their windows begin anew at a restart, after "
        "a crash and after power loss.\n"
        "  Receipts of what was spent outlive all three, in the ledger: see `weir spend`.\n"
        "  Each gateway counts for itself: N of them may spend N times a limit.\n"
        "  A provider that bills more than the limit it was sent is recorded in full.\n"
        "\novershoot bound, by budget\n");
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        summary_overshoot("tenant", snapshot->tenants[i]->path, &snapshot->tenants[i]->allowance,
                          out);
    for (size_t i = 0; i < snapshot->key_count; i++)
        summary_overshoot("key", snapshot->keys[i]->id, &snapshot->keys[i]->allowance, out);
}

static void print_warnings(const struct snapshot *snapshot, FILE *out)
{
    fprintf(out, "\nunsafe for production\n");
    fprintf(out, "  warning: budgets do not outlive a restart\n");
    for (size_t i = 0; i < snapshot->warning_count; i++)
        fprintf(out, "  warning: %s\n", snapshot->warnings[i]);
}

void config_summary(const struct snapshot *snapshot, FILE *out)
{
    print_head(snapshot, out);
    print_providers(snapshot, out);
    print_models(snapshot, out);
    fprintf(out, "\ntenants\n");
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        print_tenant(snapshot, snapshot->tenants[i], out);
    print_money(snapshot, out);
    print_warnings(snapshot, out);
}
