/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What models cost, for `weir check`: the price of this moment, and that there are others. */
#include "summary.h"

#include "base/clock.h"
#include "base/money.h"

#include <inttypes.h>

/* As people say them. */
static const char *const kind_names[PRICE_KINDS] = {
    "input",       "cached input", "cache write", "cache write for an hour",
    "audio input", "cached audio", "image input", "output",
    "reasoning",   "audio output", "image output"};

/* What is told also where it is as the kind that holds it. */
static bool is_main(const struct price_kind *kind)
{
    return kind->offset == offsetof(struct price_rates, input_pusd) ||
           kind->offset == offsetof(struct price_rates, cached_input_pusd) ||
           kind->offset == offsetof(struct price_rates, cache_write_pusd) ||
           kind->offset == offsetof(struct price_rates, output_pusd);
}

static void print_rates(const struct price_rates *rates, FILE *out)
{
    char text[MONEY_TEXT_SIZE];
    const char *comma = "";
    struct price_rates given = price_rates_given(rates);
    for (size_t i = 0; i < PRICE_KINDS; i++) {
        if (!is_main(&price_kinds[i]) && price_rate_of(&given, &price_kinds[i]) == PRICE_NOT_GIVEN)
            continue;
        /* A pico-dollar a token is a micro-dollar per million; at most 10^6 dollars. */
        int64_t nusd = price_rate_of(rates, &price_kinds[i]) * 1000;
        fprintf(out, "%s%s %s", comma, kind_names[i], money_format(nusd, text));
        comma = ", ";
    }
}

static void print_tier(const char *name, int64_t permille, FILE *out)
{
    if (permille > 0)
        fprintf(out, "; %s %" PRId64 ".%03" PRId64 " times", name, permille / 1000,
                permille % 1000);
}

static void print_price(const struct price *price, FILE *out)
{
    char text[MONEY_TEXT_SIZE];
    fprintf(out, "USD per million tokens: ");
    print_rates(&price->rates, out);
    for (size_t i = 0; i < price->step_count; i++) {
        fprintf(out, "; above %" PRId64 " tokens: ", price->steps[i].above_tokens);
        print_rates(&price->steps[i].rates, out);
    }
    print_tier("flex", price->tiers.flex_permille, out);
    print_tier("priority", price->tiers.priority_permille, out);
    print_tier("batch", price->tiers.batch_permille, out);
    if (price->per_request_nusd > 0)
        fprintf(out, "; USD per request: %s", money_format(price->per_request_nusd, text));
    if (price->web_search_nusd > 0)
        fprintf(out, "; USD per web search: %s", money_format(price->web_search_nusd, text));
}

static void print_target(const struct target *target, FILE *out)
{
    const struct price *price = price_schedule_at(&target->prices, clock_wall_ns());
    if (price == NULL) {
        fprintf(out, "no price\n");
        return;
    }
    print_price(price, out);
    if (target->priced_by != NULL)
        fprintf(out, "; by the catalogue, %s", target->priced_by);
    if (target->prices.count > 1)
        fprintf(out, "; now, and other prices at other times");
    fprintf(out, "\n");
}

void summary_prices(const struct model *model, FILE *out)
{
    bool alike = model->target_count == 1 || model->targets[0].priced_by == NULL;
    for (size_t i = 1; alike && i < model->target_count; i++)
        alike = model->targets[i].prices.periods == model->targets[0].prices.periods;
    if (alike) {
        fprintf(out, "; ");
        print_target(&model->targets[0], out);
        return;
    }
    fprintf(out, "\n");
    for (size_t i = 0; i < model->target_count; i++) {
        const struct target *target = &model->targets[i];
        fprintf(out, "    %s, %.*s: ", target->provider->name, SPAN_ARG(target->model));
        print_target(target, out);
    }
}
