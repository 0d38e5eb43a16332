/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /admin/budgets: every budget with its sums and where it stands on its ladder. GET
 * /admin/breakers: the same without sums, and every target's health. POST /admin/breakers/ack: targets
 * that were billed above their bound may be used again.
 */
#include "admin_private.h"

#include "base/clock.h"
#include "base/money.h"
#include "policy/budget.h"

static void put_text(struct buf *out, const char *key, struct span text)
{
    buf_printf(out, "\"%s\":", key);
    buf_append_json_string(out, text);
}

/* "2026-11-24T…", or null where nothing is known. */
static void put_time(struct buf *out, const char *key, int64_t wall_ns)
{
    char text[CLOCK_RFC3339_SIZE];
    if (wall_ns == 0)
        buf_printf(out, "\"%s\":null", key);
    else
        buf_printf(out, "\"%s\":\"%s\"", key, clock_rfc3339(wall_ns, text));
}

static void put_usd(struct buf *out, const char *key, int64_t nusd)
{
    char text[MONEY_TEXT_SIZE];
    buf_printf(out, ",\"%s\":%s", key, money_format(nusd, text));
}

/* ---- budgets ---- */

static void put_ladder(struct buf *out, const struct budget *budget)
{
    static const char *const reasons[] = {
        [LADDER_NO_REASON] = "none", [LADDER_SPEND] = "spend", [LADDER_BURN_RATE] = "burn_rate"};
    struct ladder_view view;
    struct ladder_now now = {.wall_ns = clock_wall_ns(), .mono_ns = clock_monotonic_ns()};
    budget_ladder_look(budget, NULL, now, &view);
    put_text(out, "budget", span_from_string(budget->label));
    buf_append_byte(out, ',');
    put_text(out, "state", span_from_string(ladder_state_name(view.state)));
    buf_append_byte(out, ',');
    put_text(out, "reason", span_from_string(reasons[view.reason]));
    buf_printf(out, ",\"half_open\":%s,\"observe\":%s,", view.half_open ? "true" : "false",
               budget->observe ? "true" : "false");
    put_time(out, "reset", view.reset_wall_ns);
}

static void put_sums(struct buf *out, const struct budget *budget)
{
    struct budget_view view;
    char window[WINDOW_TEXT_SIZE];
    budget_look(budget, NULL, clock_wall_ns(), &view);
    buf_append_byte(out, ',');
    put_text(out, "window", span_from_string(window_text(&budget->window, window)));
    buf_append_byte(out, ',');
    put_text(out, "per", span_from_string(budget_per_name(budget->per)));
    if (view.limit_nusd != BUDGET_NO_LIMIT) {
        put_usd(out, "limit_usd", view.limit_nusd);
        put_usd(out, "spent_usd", view.spent_nusd);
        put_usd(out, "held_usd", view.held_nusd);
        put_usd(out, "uncertain_usd", view.uncertain_nusd);
    }
    if (view.tokens.limit != BUDGET_NO_LIMIT)
        buf_printf(out,
                   ",\"limit_tokens\":%lld,\"spent_tokens\":%lld,\"held_tokens\":%lld,"
                   "\"uncertain_tokens\":%lld",
                   (long long)view.tokens.limit, (long long)view.tokens.spent,
                   (long long)view.tokens.held, (long long)view.tokens.uncertain);
}

static void put_allowance(struct buf *out, const struct allowance *allowance, bool sums,
                          bool *first)
{
    for (size_t i = 0; i < allowance->budget_count; i++) {
        buf_append(out, *first ? SPAN("{") : SPAN(",{"));
        *first = false;
        put_ladder(out, &allowance->budgets[i]);
        if (sums)
            put_sums(out, &allowance->budgets[i]);
        buf_append_byte(out, '}');
    }
}

static void put_budgets(struct buf *out, const struct snapshot *snapshot, bool sums)
{
    bool first = true;
    buf_append(out, SPAN("["));
    for (size_t i = 0; i < snapshot->tenant_count; i++)
        put_allowance(out, &snapshot->tenants[i]->allowance, sums, &first);
    for (size_t i = 0; i < snapshot->key_count; i++)
        put_allowance(out, &snapshot->keys[i]->allowance, sums, &first);
    buf_append(out, SPAN("]"));
}

void budgets_get(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)headers;
    reply->content_type = SPAN("application/json");
    put_budgets(reply->body, admin->owner->snapshot(admin->argument), true);
}

/* ---- targets ---- */

static void put_target(struct buf *out, const struct model *model, const struct target *target)
{
    static const char *const states[] = {
        [HEALTH_CLOSED] = "closed", [HEALTH_HALF_OPEN] = "half_open", [HEALTH_OPEN] = "open"};
    put_text(out, "model", model->name);
    buf_append_byte(out, ',');
    put_text(out, "provider", span_from_string(target->provider->name));
    buf_append_byte(out, ',');
    put_text(out, "target", target->model);
    buf_printf(out, ",\"state\":\"%s\",\"bound_breached\":%s",
               states[health_look(target->health, clock_monotonic_ns())],
               health_is_breached(target->health) ? "true" : "false");
}

static void put_targets(struct buf *out, const struct snapshot *snapshot)
{
    bool first = true;
    buf_append(out, SPAN("["));
    for (size_t i = 0; i < snapshot->model_count; i++) {
        const struct model *model = snapshot->models[i];
        for (size_t j = 0; j < model->target_count; j++) {
            buf_append(out, first ? SPAN("{") : SPAN(",{"));
            first = false;
            put_target(out, model, &model->targets[j]);
            buf_append_byte(out, '}');
        }
    }
    buf_append(out, SPAN("]"));
}

void breakers_get(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)headers;
    const struct snapshot *snapshot = admin->owner->snapshot(admin->argument);
    reply->content_type = SPAN("application/json");
    buf_append(reply->body, SPAN("{\"budgets\":"));
    put_budgets(reply->body, snapshot, false);
    buf_append(reply->body, SPAN(",\"targets\":"));
    put_targets(reply->body, snapshot);
    buf_append(reply->body, SPAN("}"));
}

void breakers_ack(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)headers;
    const struct snapshot *snapshot = admin->owner->snapshot(admin->argument);
    size_t count = 0;
    for (size_t i = 0; i < snapshot->model_count; i++) {
        const struct model *model = snapshot->models[i];
        for (size_t j = 0; j < model->target_count; j++) {
            count += health_is_breached(model->targets[j].health);
            health_acknowledge(model->targets[j].health);
        }
    }
    reply->content_type = SPAN("application/json");
    buf_printf(reply->body, "{\"acknowledged\":%zu}", count);
}
