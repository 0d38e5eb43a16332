/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of an exchange. Health is asked twice: a look when the order is made and when a failed
 * attempt looks for what comes next, and the permit itself when RESERVE takes an entry.
 */
#include "plan.h"

#include "exchange.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "llm/bound.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  2000
/* A pause that the provider asked for and that a client can be made to wait for. */
#define PAUSE_MOST_NS (5 * NS_PER_S)

static uint64_t chance(struct exchange *exchange)
{
    return route_chance(&exchange->worker->chance);
}

/* ---- making ---- */

const struct price *plan_price(const struct exchange *exchange, const struct target *target)
{
    return price_schedule_at(&target->prices, exchange->begun_wall_ns);
}

/* As COUNT asks of the model that the client named. */
static bool may_serve(const struct exchange *exchange, const struct model *model,
                      const struct target *target)
{
    if (exchange->call.unboundable != NULL && model->max_input_bound == 0 &&
        subject_has(exchange->key, NULL, SUBJECT_HAS_TOKENS))
        return false;
    if (health_is_breached(target->health) && subject_has(exchange->key, NULL, SUBJECT_HAS_BOUND))
        return false;
    if (!subject_has(exchange->key, NULL, SUBJECT_HAS_MONEY))
        return true;
    const struct price *price = plan_price(exchange, target);
    return price != NULL && bound_obstacle(&exchange->call, price, model->max_input_bound) == NULL;
}

static size_t list_targets(const struct exchange *exchange, const struct model *model,
                           const struct target *list[ROUTE_MAX_TARGETS])
{
    size_t count = 0;
    for (size_t i = 0; i < model->target_count; i++)
        if (may_serve(exchange, model, &model->targets[i]))
            list[count++] = &model->targets[i];
    return count;
}

static void order_targets(struct exchange *exchange, const struct target *const *list, size_t count,
                          size_t *order)
{
    struct route_choice choices[ROUTE_MAX_TARGETS];
    int64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < count; i++)
        choices[i] = (struct route_choice){
            .weight = list[i]->weight, .well = health_look(list[i]->health, now_ns) != HEALTH_OPEN};
    route_order(choices, count, chance(exchange), order);
}

static void add_model(struct exchange *exchange, const struct model *model)
{
    struct plan *plan = &exchange->plan;
    const struct target *list[ROUTE_MAX_TARGETS];
    size_t order[ROUTE_MAX_TARGETS] = {0};
    size_t count = list_targets(exchange, model, list);
    if (count == 0)
        return;
    if (count > 1)
        order_targets(exchange, list, count, order);
    /* Each target may be passed over once without a try being lost. */
    size_t entries = (size_t)model->retries.attempts + count - 1;
    for (size_t i = 0; i < entries && plan->count < PLAN_MAX_TARGETS; i++)
        plan->entries[plan->count++] =
            (struct plan_entry){.model = model, .target = list[order[i % count]]};
}

/* A downgrade leaves out the model that was asked for, where a fallback can take its place. */
void plan_make(struct exchange *exchange)
{
    ASSERT(exchange->plan.count == 0);
    if (!exchange->downgraded)
        add_model(exchange, exchange->model);
    for (const struct model *model = exchange->model->fallback; model != NULL;
         model = model->fallback)
        if (subject_may_use(exchange->key, model->name))
            add_model(exchange, model);
    if (exchange->plan.count == 0) {
        exchange->downgraded = false;
        add_model(exchange, exchange->model);
    }
}

/* ---- taking ---- */

static bool has_tries(const struct plan *plan, const struct plan_entry *entry)
{
    return entry->model != plan->trying || plan->tries < entry->model->retries.attempts;
}

const struct plan_entry *plan_take(struct exchange *exchange)
{
    struct plan *plan = &exchange->plan;
    int64_t now_ns = clock_monotonic_ns();
    while (plan->next < plan->count) {
        const struct plan_entry *entry = &plan->entries[plan->next++];
        if (!has_tries(plan, entry) || !health_permit(entry->target->health, now_ns))
            continue;
        plan->tries = entry->model == plan->trying ? plan->tries + 1 : 1;
        plan->trying = entry->model;
        return entry;
    }
    return NULL;
}

bool plan_left(const struct exchange *exchange)
{
    const struct plan *plan = &exchange->plan;
    for (size_t i = plan->next; i < plan->count; i++)
        if (has_tries(plan, &plan->entries[i]))
            return true;
    return false;
}

/* Full jitter: clients that failed together do not come back together. */
static int64_t backoff_ms(struct exchange *exchange)
{
    int64_t most = BACKOFF_FIRST_MS;
    for (uint32_t i = 1; i < exchange->receipt.attempts && most < BACKOFF_MOST_MS; i++)
        most *= 2;
    if (most > BACKOFF_MOST_MS)
        most = BACKOFF_MOST_MS;
    return (int64_t)(chance(exchange) % (uint64_t)(most + 1));
}

bool plan_advance(struct exchange *exchange, int64_t *wait_ms)
{
    struct plan *plan = &exchange->plan;
    int64_t now_ns = clock_monotonic_ns();
    for (; plan->next < plan->count; plan->next++) {
        const struct plan_entry *entry = &plan->entries[plan->next];
        if (!has_tries(plan, entry))
            continue;
        bool same = entry->target->health == exchange->target->health;
        int64_t left_ns = health_left_ns(entry->target->health, now_ns);
        bool asked = same && exchange->facts.status == 429 && left_ns <= PAUSE_MOST_NS;
        if (left_ns > 0 && !asked)
            continue;
        *wait_ms = left_ns > 0 ? left_ns / NS_PER_MS + 2 /* timers round, and may be early by one */
                   : same      ? backoff_ms(exchange)
                               : 0;
        return true;
    }
    return false;
}

int64_t plan_rest_ms(const struct exchange *exchange)
{
    const struct plan *plan = &exchange->plan;
    int64_t now_ns = clock_monotonic_ns();
    int64_t least_ns = HEALTH_REST_MOST_NS;
    for (size_t i = 0; i < plan->count; i++) {
        int64_t left_ns = health_left_ns(plan->entries[i].target->health, now_ns);
        if (left_ns < least_ns)
            least_ns = left_ns;
    }
    int64_t ms = (least_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms > 1000 ? ms : 1000; /* where a probe is under way, soon */
}
