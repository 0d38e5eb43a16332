/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields of answers. */
#include "fields.h"

#include "endpoint.h"
#include "exchange.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/money.h"
#include "net/server.h"

#define RETRY_AFTER_MOST_S    60
#define PROVIDER_RETRY_MOST_S 3600

void fields_add(struct fields *fields, struct span name, struct span value)
{
    if (value.len == 0)
        return;
    ASSERT(fields->count < FIELDS_MAX);
    fields->items[fields->count++] = (struct header){name, value};
}

static void add_number(struct fields *fields, struct exchange *exchange, struct span name,
                       int64_t value)
{
    char room[SPAN_U64_SIZE];
    uint64_t shown = value > 0 ? (uint64_t)value : 0;
    fields_add(fields, name, arena_copy(&exchange->arena, span_from_u64(shown, room)));
}

void fields_init(struct fields *fields, struct exchange *exchange)
{
    char text[ID_TEXT_SIZE];
    fields->count = 0;
    fields->own = exchange->snapshot->response_headers != RESPONSE_HEADERS_OFF;
    struct span id = span_from_string(id_format(exchange->receipt.id, text));
    fields_add(fields, SPAN("x-request-id"), arena_copy(&exchange->arena, id));
}

/* ---- the provider's answer ---- */

static void add_retry_after(struct fields *fields, struct exchange *exchange)
{
    uint64_t seconds;
    if (!span_to_u64(exchange->answer_retry_after, &seconds))
        return;
    if (seconds > PROVIDER_RETRY_MOST_S)
        seconds = PROVIDER_RETRY_MOST_S;
    add_number(fields, exchange, SPAN("retry-after"), (int64_t)seconds);
}

void fields_add_answer(struct fields *fields, struct exchange *exchange)
{
    const struct model *serving = exchange->serving;
    struct span type = exchange->answer_type;
    fields_add(fields, SPAN("content-type"), type.len != 0 ? type : SPAN("application/json"));
    add_retry_after(fields, exchange);
    if (!fields->own)
        return;
    fields_add(fields, SPAN("x-weir-model"), serving->name);
    fields_add(fields, SPAN("x-weir-provider"), span_from_string(exchange->target->provider->name));
    if (!span_equal(serving->name, exchange->call.model))
        fields_add(fields, SPAN("x-weir-requested-model"), exchange->call.model);
    add_number(fields, exchange, SPAN("x-weir-overhead-us"),
               (exchange->forwarded_ns - exchange->body_ended_ns) / NS_PER_US);
}

void fields_add_bill(struct fields *fields, struct exchange *exchange)
{
    const struct bill *bill = &exchange->bill;
    char money[MONEY_TEXT_SIZE];
    int64_t cost = exchange->receipt.cost_nusd + bill->cost_nusd; /* with the attempts before */
    if (!fields->own)
        return;
    if (exchange->price != NULL)
        fields_add(fields, SPAN("x-weir-cost-usd"),
                   arena_copy(&exchange->arena, span_from_string(money_format(cost, money))));
    if (bill->source == USAGE_NONE)
        return;
    add_number(fields, exchange, SPAN("x-weir-input-tokens"), bill->usage.input);
    add_number(fields, exchange, SPAN("x-weir-output-tokens"), bill->usage.output);
}

/* ---- limits and budgets ---- */

/* As OpenAI writes durations: "120ms", "1.5s", "6m0s" (Go's form). */
static struct span duration(struct exchange *exchange, int64_t ns)
{
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    if (ms == 0)
        return SPAN("0s");
    if (ms < 1000)
        return arena_printf(&exchange->arena, "%lldms", (long long)ms);
    if (ms < 60 * 1000)
        return arena_printf(&exchange->arena, "%lld.%03llds", (long long)(ms / 1000),
                            (long long)(ms % 1000));
    return arena_printf(&exchange->arena, "%lldm%llds", (long long)(ms / 60000),
                        (long long)(ms % 60000 / 1000));
}

/* OpenAI's three fields of one limit. */
struct rate_names {
    struct span limit;
    struct span remaining;
    struct span reset;
};

static const struct rate_names request_names = {SPAN_INIT("x-ratelimit-limit-requests"),
                                                SPAN_INIT("x-ratelimit-remaining-requests"),
                                                SPAN_INIT("x-ratelimit-reset-requests")};
static const struct rate_names token_names = {SPAN_INIT("x-ratelimit-limit-tokens"),
                                              SPAN_INIT("x-ratelimit-remaining-tokens"),
                                              SPAN_INIT("x-ratelimit-reset-tokens")};

static void add_rate(struct fields *fields, struct exchange *exchange, const struct rate_view *rate,
                     const struct rate_names *names)
{
    if (rate->limit == 0)
        return;
    add_number(fields, exchange, names->limit, rate->limit);
    add_number(fields, exchange, names->remaining, rate->remaining);
    fields_add(fields, names->reset, duration(exchange, rate->reset_ns));
}

/* A budget as it stands, with this exchange's own hold turned into its cost once that is known. */
static void look(const struct exchange *exchange, const struct budget *budget,
                 struct budget_view *view)
{
    budget_look(budget, &exchange->lease.facts, exchange->begun_wall_ns, view);
    if (!exchange->bill.made || !exchange->lease.reservation.open)
        return;
    view->spent_nusd += exchange->bill.cost_nusd;
    view->held_nusd -= exchange->bill.held_nusd;
    if (view->held_nusd < 0)
        view->held_nusd = 0;
}

/* The budget that has least left, or the one that refused. */
static const struct budget *tightest(const struct exchange *exchange, struct budget_view *view)
{
    const struct budget *path[BUDGET_MAX_PATH];
    const struct budget *least = NULL;
    size_t count = subject_budgets(exchange->key, &exchange->lease.facts, path);
    for (size_t i = 0; i < count; i++) {
        struct budget_view candidate;
        if (exchange->refused_by != NULL ? path[i] != exchange->refused_by
                                         : path[i]->limit_nusd == BUDGET_NO_LIMIT)
            continue;
        look(exchange, path[i], &candidate);
        if (least == NULL ||
            candidate.limit_nusd - candidate.spent_nusd < view->limit_nusd - view->spent_nusd) {
            least = path[i];
            *view = candidate;
        }
    }
    return least;
}

static struct span in_usd(struct exchange *exchange, int64_t nusd)
{
    char text[MONEY_TEXT_SIZE];
    return arena_copy(&exchange->arena, span_from_string(money_format(nusd, text)));
}

static struct span in_tokens(struct exchange *exchange, int64_t tokens)
{
    return arena_printf(&exchange->arena, "%lld tokens", (long long)tokens);
}

static void add_budget(struct fields *fields, struct exchange *exchange)
{
    struct budget_view view;
    const struct budget *budget = tightest(exchange, &view);
    if (budget == NULL)
        return;
    char reset[CLOCK_RFC3339_SIZE] = "never";
    char window[WINDOW_TEXT_SIZE];
    if (view.reset_wall_ns != 0)
        clock_rfc3339(view.reset_wall_ns, reset);
    bool tokens = view.limit_nusd == BUDGET_NO_LIMIT;
    const struct span parts[] = {
        SPAN("name="),
        span_from_string(budget->name),
        SPAN(";window="),
        span_from_string(window_text(&budget->window, window)),
        SPAN(";limit="),
        tokens ? in_tokens(exchange, view.tokens.limit) : in_usd(exchange, view.limit_nusd),
        SPAN(";spent="),
        tokens ? in_tokens(exchange, view.tokens.spent) : in_usd(exchange, view.spent_nusd),
        SPAN(";held="),
        tokens ? in_tokens(exchange, view.tokens.held) : in_usd(exchange, view.held_nusd),
        SPAN(";reset="),
        span_from_string(reset),
    };
    fields_add(fields, SPAN("x-weir-budget"),
               arena_join(&exchange->arena, parts, sizeof parts / sizeof parts[0]));
}

void fields_add_limits(struct fields *fields, struct exchange *exchange)
{
    if (exchange->key == NULL)
        return;
    add_rate(fields, exchange, &exchange->lease.rate, &request_names);
    add_rate(fields, exchange, &exchange->lease.token_rate, &token_names);
    if (!fields->own)
        return;
    if (subject_has_budget(exchange->key))
        fields_add(fields, SPAN("x-weir-breaker"),
                   span_from_string(ladder_state_name(exchange->lease.ladder.state)));
    add_budget(fields, exchange);
    if (exchange->clamped)
        add_number(fields, exchange, SPAN("x-weir-max-tokens"), exchange->output_limit);
}

/* ---- refusals ---- */

/* When to come again, in milliseconds; -1: nothing is said. */
static int64_t retry_ms(const struct exchange *exchange, enum err err)
{
    switch (err) {
    case ERR_RATE_LIMITED:
        return (exchange->lease.rate.retry_ns + NS_PER_MS - 1) / NS_PER_MS;
    case ERR_TOKENS_LIMITED:
        return (exchange->lease.token_rate.retry_ns + NS_PER_MS - 1) / NS_PER_MS;
    case ERR_TARGETS_RESTING:
        return plan_rest_ms(exchange);
    case ERR_BUDGET_THROTTLED:
        return (exchange->lease.throttle.retry_ns + NS_PER_MS - 1) / NS_PER_MS;
    case ERR_BURN_RATE:
        return exchange->lease.ladder.reset_wall_ns > exchange->begun_wall_ns
                   ? (exchange->lease.ladder.reset_wall_ns - exchange->begun_wall_ns) / NS_PER_MS
                   : 1000;
    case ERR_CONCURRENCY_LIMITED:
    case ERR_BUDGET_BUSY:
    case ERR_BUDGET_CROWDED:
    case ERR_OVERLOADED:
    case ERR_DRAINING:
        return 1000;
    default:
        return -1;
    }
}

void fields_add_refusal(struct fields *fields, struct exchange *exchange, enum err err)
{
    int64_t ms = retry_ms(exchange, err);
    if (ms >= 0) {
        if (ms > RETRY_AFTER_MOST_S * 1000)
            ms = RETRY_AFTER_MOST_S * 1000;
        add_number(fields, exchange, SPAN("retry-after"), (ms + 999) / 1000);
        add_number(fields, exchange, SPAN("retry-after-ms"), ms);
    }
    if (err == ERR_METHOD_NOT_ALLOWED)
        fields_add(fields, SPAN("allow"), endpoint_allow(exchange->endpoint));
    /* SDKs retry 429 by themselves: a budget that is spent will not come back by that. */
    if (err == ERR_BUDGET_EXCEEDED || err == ERR_BUDGET_EXCEEDED_429)
        fields_add(fields, SPAN("x-should-retry"), SPAN("false"));
}

/* ---- sending ---- */

void fields_reply(const struct fields *fields, struct exchange *exchange, int status)
{
    exchange->status = status;
    exchange->reply_begun = true;
    exchange->reply_ended = true;
    conn_reply(exchange->conn, status, fields->items, fields->count, &exchange->reply);
}

void fields_begin(const struct fields *fields, struct exchange *exchange, int status)
{
    exchange->status = status;
    exchange->reply_begun = true;
    conn_begin(exchange->conn, status, fields->items, fields->count);
}
