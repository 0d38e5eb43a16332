/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spend as rows of FOCUS 1.2, the FinOps Open Cost and Usage Specification. A row is what one token
 * meter came to for a key's use of a model on a day; what is charged for requests and searches, or
 * was uncertain once, is a row of its own, so that the sum of BilledCost is the cost.
 */
#include "spend_report.h"

#include "base/clock.h"
#include "base/money.h"

#include <inttypes.h>
#include <string.h>

#define DATE_SIZE (CLOCK_RFC3339_SIZE + 16)

/* Where the columns of SPEND_FOCUS_BY stand. */
enum { BY_DAY, BY_TENANT, BY_KEY, BY_MODEL, BY_PROVIDER };

struct focus_line {
    const struct spend_row *row;
    const char *meter;
    const char *unit; /* consumed */
    int64_t quantity;
    int64_t cost_nusd;
    bool tokens;
    bool first; /* of the row: has its requests */
};

static const char *const columns[] = {
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "BillingCurrency",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeFrequency",
    "ChargeDescription",
    "ServiceCategory",
    "ServiceSubcategory",
    "ServiceName",
    "ProviderName",
    "PublisherName",
    "InvoiceIssuerName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "SkuId",
    "SkuMeter",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "Tags",
    "x_RequestCount",
};

void spend_focus_head(FILE *out)
{
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        spend_csv_field(out, i == 0, span_from_string(columns[i]));
    fputs("\r\n", out);
}

static void put(FILE *out, const char *text)
{
    spend_csv_field(out, false, span_from_string(text));
}

/* ---- periods ---- */

static void format_day(struct civil date, char room[DATE_SIZE])
{
    snprintf(room, DATE_SIZE, "%04d-%02d-%02dT00:00:00Z", date.year, date.month, date.day);
}

/* The month's and the day's; ends are exclusive. */
static void put_periods(FILE *out, struct span day)
{
    char room[DATE_SIZE];
    uint64_t year = 0, month = 0, number = 0;
    if (day.len == strlen("YYYY-MM-DD")) {
        span_to_u64(span_make(day.ptr, 4), &year);
        span_to_u64(span_make(day.ptr + 5, 2), &month);
        span_to_u64(span_make(day.ptr + 8, 2), &number);
    }
    struct civil date = {(int)year, (int)month, (int)number};
    struct civil next = civil_from_days(civil_to_days(date) + 1);
    struct civil from = {date.year, date.month, 1};
    struct civil until = date.month == 12 ? (struct civil){date.year + 1, 1, 1}
                                          : (struct civil){date.year, date.month + 1, 1};
    const struct civil periods[] = {from, until, date, next};
    for (size_t i = 0; i < 4; i++) {
        format_day(periods[i], room);
        put(out, room);
    }
}

/* ---- a line ---- */

static void put_quantities(FILE *out, const struct focus_line *line)
{
    char pricing[64], consumed[32];
    int64_t million = 1000000;
    snprintf(consumed, sizeof consumed, "%" PRId64, line->quantity);
    if (line->tokens)
        snprintf(pricing, sizeof pricing, "%" PRId64 ".%06" PRId64, line->quantity / million,
                 line->quantity % million);
    else
        snprintf(pricing, sizeof pricing, "%" PRId64, line->quantity);
    put(out, pricing);
    put(out, line->tokens ? "1000000 Tokens" : line->unit);
    put(out, consumed);
    put(out, line->unit);
}

/* {"key":"search-prod"} */
static void put_tags(FILE *out, struct span key)
{
    struct buf text;
    buf_init(&text, 4096, 0);
    buf_append(&text, SPAN("{\"key\":\""));
    buf_append_json_escaped(&text, key);
    buf_append(&text, SPAN("\"}"));
    spend_csv_field(out, false, buf_span(&text));
    buf_fini(&text);
}

static void put_service(FILE *out, const struct focus_line *line)
{
    const struct spend_row *row = line->row;
    struct span provider = row->by[BY_PROVIDER], model = row->by[BY_MODEL];
    put(out, "Usage");
    put(out, ""); /* ChargeClass: no correction */
    put(out, "Usage-Based");
    put(out, line->meter); /* ChargeDescription */
    put(out, "AI and Machine Learning");
    put(out, "Generative AI");
    for (size_t i = 0; i < 4; i++) /* service, provider, publisher and issuer */
        spend_csv_field(out, false, provider);
    spend_csv_field(out, false, model);
    spend_csv_field(out, false, model);
    put(out, "Model");
    spend_csv_field(out, false, model);
    put(out, line->meter);
    put(out, "Standard");
}

static void print_line(FILE *out, const struct focus_line *line)
{
    const struct spend_row *row = line->row;
    char cost[MONEY_TEXT_SIZE], requests[32];
    money_format(line->cost_nusd, cost);
    for (size_t i = 0; i < 4; i++) /* billed, effective, list and contracted are one here */
        spend_csv_field(out, i == 0, span_from_string(cost));
    put(out, "USD");
    spend_csv_field(out, false, row->by[BY_PROVIDER]);
    spend_csv_field(out, false, row->by[BY_PROVIDER]);
    put(out, "Provider");
    spend_csv_field(out, false, row->by[BY_TENANT]);
    spend_csv_field(out, false, row->by[BY_TENANT]);
    put(out, "Tenant");
    put_periods(out, row->by[BY_DAY]);
    put_service(out, line);
    put_quantities(out, line);
    put_tags(out, row->by[BY_KEY]);
    snprintf(requests, sizeof requests, "%" PRId64, line->first ? row->requests : 0);
    put(out, requests);
    fputs("\r\n", out);
}

/* A provider may report more reasoning than output. */
static int64_t without(int64_t all, int64_t part)
{
    return all > part ? all - part : 0;
}

void spend_focus_row(FILE *out, const struct spend_row *row)
{
    const struct {
        const char *name;
        int64_t tokens;
    } meters[PRICE_METERS] = {
        [PRICE_METER_INPUT] = {"Input Tokens",
                               without(row->input, row->cached_input + row->cache_write)},
        [PRICE_METER_CACHED_INPUT] = {"Cached Input Tokens", row->cached_input},
        [PRICE_METER_CACHE_WRITE] = {"Cache Write Tokens", row->cache_write},
        [PRICE_METER_OUTPUT] = {"Output Tokens", without(row->output, row->reasoning)},
        [PRICE_METER_REASONING] = {"Reasoning Tokens", row->reasoning},
    };
    struct focus_line line = {.row = row, .unit = "Tokens", .tokens = true, .first = true};
    int64_t rest_nusd = row->cost_nusd;
    for (size_t i = 0; i < PRICE_METERS; i++) {
        line.meter = meters[i].name;
        line.quantity = meters[i].tokens;
        line.cost_nusd = row->meter_nusd[i];
        rest_nusd -= line.cost_nusd;
        if (line.quantity == 0 && line.cost_nusd == 0)
            continue;
        print_line(out, &line);
        line.first = false;
    }
    if (rest_nusd == 0)
        return;
    line.meter = "Requests and Tools";
    line.unit = "Requests";
    line.tokens = false;
    line.quantity = row->requests;
    line.cost_nusd = rest_nusd;
    print_line(out, &line);
}
