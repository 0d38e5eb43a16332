/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prices of one entry: rates by their names, and beside them steps, tiers and when they hold.
 * The names are those of `price:` in a configuration.
 */
#include "base/clock.h"
#include "base/money.h"
#include "catalogue_reading.h"

#define PERMILLE_MAX 100000

/* ---- amounts ---- */

static bool read_rate(struct reading *reading, struct value value, const struct price_kind *kind,
                      struct price_rates *rates)
{
    struct span digits;
    int64_t pusd;
    if (!reading_amount(reading, value, kind->name, &digits))
        return false;
    if (!money_parse_price(digits, &pusd) || pusd > CATALOGUE_PUSD_MAX)
        return reading_fail(reading, value.text,
                            "'%s' must be US dollars per million tokens, at most 1000000 with at "
                            "most 6 decimals",
                            kind->name);
    *price_rate(rates, kind) = pusd;
    return true;
}

static bool read_nusd(struct reading *reading, struct value value, const char *name, int64_t *nusd)
{
    struct span digits;
    if (!reading_amount(reading, value, name, &digits))
        return false;
    if (!money_parse_nusd(digits, nusd) || *nusd > CATALOGUE_NUSD_MAX)
        return reading_fail(reading, value.text,
                            "'%s' must be US dollars, at most 1000 with at most 9 decimals", name);
    return true;
}

static const struct price_kind *find_kind(struct span key)
{
    for (size_t i = 0; i < PRICE_KINDS; i++)
        if (span_equal(key, span_from_string(price_kinds[i].name)))
            return &price_kinds[i];
    return NULL;
}

/* The rates among the members of `value`; other members to `other`, which knows their keys. */
static bool read_rates(struct reading *reading, struct value value, const char *what,
                       struct price_rates *rates, const struct member *others, void *into)
{
    struct span key;
    struct value inner;
    size_t at = 0;
    *rates = price_rates_unknown();
    if (value.type != JSON_OBJECT)
        return reading_fail(reading, value.text, "%s must be an object", what);
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        const struct price_kind *kind = find_kind(key);
        const struct member *other = others;
        while (kind == NULL && other->key != NULL && !span_equal(key, span_from_string(other->key)))
            other++;
        if (kind == NULL && other->key == NULL)
            return reading_fail(reading, key, "unknown key '%.*s' in %s", SPAN_ARG(key), what);
        if (kind != NULL ? !read_rate(reading, inner, kind, rates)
                         : !other->read(reading, inner, into))
            return false;
    }
    if (rates->input_pusd < 0 || rates->output_pusd < 0)
        return reading_fail(reading, value.text, "%s must have 'input' and 'output'", what);
    price_rates_complete(rates);
    return true;
}

/* ---- steps ---- */

static bool read_above(struct reading *reading, struct value value, void *into)
{
    return reading_tokens(reading, value, "'above'", &((struct price_step *)into)->above_tokens);
}

static bool read_step(struct reading *reading, struct value value, void *into)
{
    static const struct member members[] = {{"above", read_above, true}, {NULL, NULL, false}};
    struct price *price = &((struct price_period *)into)->price;
    if (price->step_count == PRICE_MAX_STEPS)
        return reading_fail(reading, value.text, "'tiers' must have at most %d entries",
                            PRICE_MAX_STEPS);
    struct price_step *step = &price->steps[price->step_count];
    if (!read_rates(reading, value, "a tier", &step->rates, members, step))
        return false;
    int64_t before = price->step_count > 0 ? step[-1].above_tokens : 0;
    if (step->above_tokens <= before)
        return reading_fail(reading, value.text,
                            "'above' must be there, and rise from tier to tier");
    price->step_count++;
    return true;
}

static bool read_steps(struct reading *reading, struct value value, void *into)
{
    return reading_array(reading, value, "'tiers'", read_step, into);
}

/* ---- service tiers ---- */

/* "0.5" → 500, through nano-dollars, whose decimals are enough. */
static bool read_permille(struct reading *reading, struct value value, int64_t *permille)
{
    struct span digits;
    int64_t nano;
    if (!reading_amount(reading, value, "a service tier", &digits))
        return false;
    if (!money_parse_nusd(digits, &nano) || nano % 1000000 != 0 || nano == 0 ||
        nano / 1000000 > PERMILLE_MAX)
        return reading_fail(reading, value.text,
                            "a service tier must be what it costs beside the standard one, above 0 "
                            "to 100 with at most 3 decimals");
    *permille = nano / 1000000;
    return true;
}

static bool read_flex(struct reading *reading, struct value value, void *into)
{
    return read_permille(reading, value, &((struct price_tiers *)into)->flex_permille);
}

static bool read_priority(struct reading *reading, struct value value, void *into)
{
    return read_permille(reading, value, &((struct price_tiers *)into)->priority_permille);
}

static bool read_batch(struct reading *reading, struct value value, void *into)
{
    return read_permille(reading, value, &((struct price_tiers *)into)->batch_permille);
}

static bool read_tiers(struct reading *reading, struct value value, void *into)
{
    static const struct member members[] = {{"flex", read_flex, false},
                                            {"priority", read_priority, false},
                                            {"batch", read_batch, false},
                                            {NULL, NULL, false}};
    return reading_object(reading, value, "'service_tiers'", members,
                          &((struct price_period *)into)->price.tiers);
}

/* ---- when a price holds ---- */

/* `len` digits at `from` as a number; -1 when they are not digits. */
static int number_at(struct span text, size_t from, size_t len)
{
    int number = 0;
    for (size_t i = from; i < from + len; i++) {
        if (i >= text.len || text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

/* "2026-07-30", a day that exists, within what nanoseconds reach. */
static bool read_from(struct reading *reading, struct value value, void *into)
{
    struct price_period *period = into;
    struct span text;
    if (!reading_string(reading, value, "'from'", &text))
        return false;
    struct civil date = {number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2)};
    bool shaped = text.len == 10 && text.ptr[4] == '-' && text.ptr[7] == '-';
    if (!shaped || date.year < 1970 || date.year > 2200 || date.month < 1 || date.month > 12 ||
        date.day < 1)
        return reading_fail(reading, value.text, "'from' must be a day, such as 2026-07-30");
    int64_t days = civil_to_days(date);
    if (civil_from_days(days).day != date.day)
        return reading_fail(reading, value.text, "'from' must be a day that there is");
    period->from_wall_ns = days * 86400 * NS_PER_S;
    return true;
}

/* "00:30" at `from`; -1: malformed. */
static int32_t second_at(struct span text, size_t from)
{
    int hour = number_at(text, from, 2);
    int minute = number_at(text, from + 3, 2);
    if (from + 5 > text.len || text.ptr[from + 2] != ':' || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59)
        return -1;
    return hour * 3600 + minute * 60;
}

static bool read_daily(struct reading *reading, struct value value, void *into)
{
    struct price_period *period = into;
    struct span text;
    if (!reading_string(reading, value, "'daily'", &text))
        return false;
    period->daily_from_s = second_at(text, 0);
    period->daily_to_s = second_at(text, 6);
    if (text.len != 11 || text.ptr[5] != '-' || period->daily_from_s < 0 ||
        period->daily_to_s < 0 || period->daily_from_s == period->daily_to_s)
        return reading_fail(reading, value.text,
                            "'daily' must be two different times, UTC, such as 00:30-16:30");
    return true;
}

/* ---- a period, and all of them ---- */

static bool read_per_request(struct reading *reading, struct value value, void *into)
{
    return read_nusd(reading, value, "per_request",
                     &((struct price_period *)into)->price.per_request_nusd);
}

static bool read_web_search(struct reading *reading, struct value value, void *into)
{
    return read_nusd(reading, value, "web_search",
                     &((struct price_period *)into)->price.web_search_nusd);
}

static bool read_period(struct reading *reading, struct value value, struct price_period *period)
{
    static const struct member members[] = {{"from", read_from, false},
                                            {"daily", read_daily, false},
                                            {"tiers", read_steps, false},
                                            {"service_tiers", read_tiers, false},
                                            {"per_request", read_per_request, false},
                                            {"web_search", read_web_search, false},
                                            {NULL, NULL, false}};
    *period = (struct price_period){.from_wall_ns = INT64_MIN, .price = {.known = true}};
    return read_rates(reading, value, "a price", &period->price.rates, members, period);
}

static bool is_conditional(const struct price_period *period)
{
    return period->from_wall_ns != INT64_MIN || period->daily_from_s != period->daily_to_s;
}

bool reading_prices(struct reading *reading, struct value value, void *into)
{
    struct catalogue_entry *entry = into;
    struct price_period periods[CATALOGUE_PERIODS_MAX];
    struct span key;
    struct value inner;
    size_t at = 0;
    size_t count = 0;
    if (value.type != JSON_ARRAY)
        return reading_fail(reading, value.text, "'prices' must be an array");
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        if (count == CATALOGUE_PERIODS_MAX)
            return reading_fail(reading, inner.text, "'prices' must have at most %d entries",
                                CATALOGUE_PERIODS_MAX);
        if (!read_period(reading, inner, &periods[count]))
            return false;
        if (count == 0 && is_conditional(&periods[0]))
            return reading_fail(reading, inner.text,
                                "the first price must hold always: no 'from', no 'daily'");
        count++;
    }
    struct price_period *copy =
        arena_array(&reading->catalogue->arena, count, sizeof(struct price_period));
    if (count == 0 || copy == NULL)
        return reading_fail(reading, value.text,
                            count == 0 ? "'prices' must not be empty" : "the file is too large");
    memcpy(copy, periods, count * sizeof(periods[0]));
    entry->prices = (struct price_schedule){copy, count};
    return true;
}
