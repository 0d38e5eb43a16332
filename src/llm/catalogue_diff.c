/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What differs in prices between two catalogues. */
#include "catalogue_private.h"

static bool same_rates(const struct price_rates *a, const struct price_rates *b)
{
    for (size_t i = 0; i < PRICE_KINDS; i++)
        if (price_rate_of(a, &price_kinds[i]) != price_rate_of(b, &price_kinds[i]))
            return false;
    return true;
}

static bool same_steps(const struct price *a, const struct price *b)
{
    for (size_t i = 0; i < a->step_count && i < b->step_count; i++)
        if (a->steps[i].above_tokens != b->steps[i].above_tokens ||
            !same_rates(&a->steps[i].rates, &b->steps[i].rates))
            return false;
    return a->step_count == b->step_count;
}

/* But for the rates below any step. */
static bool same_beside_rates(const struct price_period *a, const struct price_period *b)
{
    const struct price *old = &a->price;
    const struct price *new = &b->price;
    return a->from_wall_ns == b->from_wall_ns && a->daily_from_s == b->daily_from_s &&
           a->daily_to_s == b->daily_to_s && same_steps(old, new) &&
           old->tiers.flex_permille == new->tiers.flex_permille &&
           old->tiers.priority_permille == new->tiers.priority_permille &&
           old->tiers.batch_permille == new->tiers.batch_permille &&
           old->per_request_nusd == new->per_request_nusd &&
           old->web_search_nusd == new->web_search_nusd;
}

static bool same_prices(const struct price_schedule *a, const struct price_schedule *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!same_beside_rates(&a->periods[i], &b->periods[i]) ||
            !same_rates(&a->periods[i].price.rates, &b->periods[i].price.rates))
            return false;
    return a->count == b->count;
}

static void write_head(struct buf *out, char sign, const struct catalogue_entry *entry)
{
    buf_printf(out, "%c %.*s/%.*s: ", sign, SPAN_ARG(entry->provider), SPAN_ARG(entry->model));
}

static void write_one(struct buf *out, char sign, const struct catalogue_entry *entry)
{
    char input[CATALOGUE_RATE_SIZE];
    char output[CATALOGUE_RATE_SIZE];
    const struct price_rates *rates = &entry->prices.periods[0].price.rates;
    write_head(out, sign, entry);
    buf_printf(out, "input %s, output %s\n", catalogue_format_rate(rates->input_pusd, input),
               catalogue_format_rate(rates->output_pusd, output));
}

/* Rate by rate where nothing else changed; else the prices as files have them. */
static void write_change(struct buf *out, const struct catalogue_entry *old,
                         const struct catalogue_entry *new)
{
    const char *comma = "";
    write_head(out, '~', new);
    bool plain = old->prices.count == 1 && new->prices.count == 1 &&
                 same_beside_rates(old->prices.periods, new->prices.periods);
    for (size_t i = 0; plain && i < PRICE_KINDS; i++) {
        char before[CATALOGUE_RATE_SIZE];
        char after[CATALOGUE_RATE_SIZE];
        int64_t was = price_rate_of(&old->prices.periods[0].price.rates, &price_kinds[i]);
        int64_t is = price_rate_of(&new->prices.periods[0].price.rates, &price_kinds[i]);
        if (was == is)
            continue;
        buf_printf(out, "%s%s %s -> %s", comma, price_kinds[i].name,
                   catalogue_format_rate(was, before), catalogue_format_rate(is, after));
        comma = ", ";
    }
    if (!plain) {
        catalogue_write_prices(&old->prices, out);
        buf_append(out, SPAN(" -> "));
        catalogue_write_prices(&new->prices, out);
    }
    buf_append_byte(out, '\n');
}

bool catalogue_diff(const struct catalogue *old, const struct catalogue *new, struct buf *out)
{
    size_t added = 0;
    size_t removed = 0;
    size_t changed = 0;
    const struct catalogue_entry *entry;
    for (entry = catalogue_first(new); entry != NULL; entry = entry->next) {
        const struct catalogue_entry *was = catalogue_find_id(old, entry->provider, entry->model);
        if (was == NULL)
            write_one(out, '+', entry);
        else if (!same_prices(&was->prices, &entry->prices))
            write_change(out, was, entry);
        added += was == NULL;
        changed += was != NULL && !same_prices(&was->prices, &entry->prices);
    }
    for (entry = catalogue_first(old); entry != NULL; entry = entry->next) {
        if (catalogue_find_id(new, entry->provider, entry->model) != NULL)
            continue;
        write_one(out, '-', entry);
        removed++;
    }
    buf_printf(out, "%zu added, %zu removed, %zu changed\n", added, removed, changed);
    return added + removed + changed == 0;
}
