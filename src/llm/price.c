/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost arithmetic. Sums are thousandths of pico-dollars, 128 bits wide: a token costs its rate times
 * what its tier costs in thousandths. They are rounded up to nano-dollars once at the end: rounding
 * each part would bill some nano-dollars too much.
 *
 * Why a cost is never above its bound: price_cost charges exactly usage->input tokens of input and
 * usage->output of output, each at a rate of the step that usage->input reaches; price_bound takes
 * the dearest of these rates over every step that its number of input tokens reaches, which are at
 * least as many. Tiers, searches and the request are alike in both, and both round the same way.
 */
#include "llm/price.h"

#include "base/assert.h"
#include "base/money.h"

#define PERMILLE       1000
#define MILLI_PER_NUSD ((money_pusd)PUSD_PER_NUSD * PERMILLE)

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* *sum += count × price. False when either is negative or the sum leaves 128 bits. */
static bool add(money_pusd *sum, int64_t count, int64_t price)
{
    if (count < 0 || price < 0)
        return false;
    /* Two 63-bit factors: the product cannot leave 128 bits, the sum can. */
    money_pusd product = (money_pusd)count * price;
    return !__builtin_add_overflow(*sum, product, sum);
}

/* Thousandths of pico-dollars to nano-dollars, rounded up. */
static bool round_up(money_pusd milli, int64_t *nusd)
{
    money_pusd pusd = milli / PERMILLE + (milli % PERMILLE != 0 ? 1 : 0);
    return money_round_up(pusd, nusd);
}

/* ---- rates ---- */

struct price_rates price_rates_unknown(void)
{
    return (struct price_rates){
        .input_pusd = PRICE_NOT_GIVEN,
        .cached_input_pusd = PRICE_NOT_GIVEN,
        .cache_write_pusd = PRICE_NOT_GIVEN,
        .cache_write_1h_pusd = PRICE_NOT_GIVEN,
        .audio_input_pusd = PRICE_NOT_GIVEN,
        .cached_audio_pusd = PRICE_NOT_GIVEN,
        .image_input_pusd = PRICE_NOT_GIVEN,
        .output_pusd = PRICE_NOT_GIVEN,
        .reasoning_pusd = PRICE_NOT_GIVEN,
        .audio_output_pusd = PRICE_NOT_GIVEN,
        .image_output_pusd = PRICE_NOT_GIVEN,
    };
}

static void complete(int64_t *rate_pusd, int64_t otherwise_pusd)
{
    if (*rate_pusd == PRICE_NOT_GIVEN)
        *rate_pusd = otherwise_pusd;
}

void price_rates_complete(struct price_rates *rates)
{
    ASSERT(rates->input_pusd >= 0 && rates->output_pusd >= 0);
    /* PRICE_NOT_GIVEN is less than any price: where neither was given, neither is dearer. */
    complete(&rates->cached_audio_pusd, larger(rates->audio_input_pusd, rates->cached_input_pusd));
    complete(&rates->cached_audio_pusd, rates->input_pusd);
    complete(&rates->cached_input_pusd, rates->input_pusd);
    complete(&rates->cache_write_pusd, rates->input_pusd);
    complete(&rates->cache_write_1h_pusd, larger(rates->cache_write_pusd, rates->input_pusd));
    complete(&rates->audio_input_pusd, rates->input_pusd);
    complete(&rates->image_input_pusd, rates->input_pusd);
    complete(&rates->reasoning_pusd, rates->output_pusd);
    complete(&rates->audio_output_pusd, rates->output_pusd);
    complete(&rates->image_output_pusd, rates->output_pusd);
}

/* Whether it goes without saying, beside the others that are given. */
static bool is_implied(const struct price_rates *given, const struct price_kind *kind,
                       const struct price_rates *rates)
{
    struct price_rates completed = *given;
    *price_rate(&completed, kind) = PRICE_NOT_GIVEN;
    price_rates_complete(&completed);
    for (size_t i = 0; i < PRICE_KINDS; i++)
        if (price_rate_of(&completed, &price_kinds[i]) != price_rate_of(rates, &price_kinds[i]))
            return false;
    return true;
}

struct price_rates price_rates_given(const struct price_rates *rates)
{
    struct price_rates given = *rates;
    /* Twice, since cached audio follows from audio, which may itself go without saying. */
    for (size_t i = 0; i < (size_t)2 * PRICE_KINDS; i++) {
        const struct price_kind *kind = &price_kinds[i % PRICE_KINDS];
        if (kind->offset != offsetof(struct price_rates, input_pusd) &&
            kind->offset != offsetof(struct price_rates, output_pusd) &&
            is_implied(&given, kind, rates))
            *price_rate(&given, kind) = PRICE_NOT_GIVEN;
    }
    return given;
}

/* The rates of a request with so many input tokens. */
static const struct price_rates *rates_at(const struct price *price, int64_t input_tokens)
{
    size_t reached = 0;
    while (reached < price->step_count && input_tokens > price->steps[reached].above_tokens)
        reached++;
    return reached == 0 ? &price->rates : &price->steps[reached - 1].rates;
}

/* ---- tiers ---- */

/* 0: unknown. */
static int64_t known_permille(const struct price *price, enum service_tier tier)
{
    switch (tier) {
    case SERVICE_TIER_STANDARD:
        return PERMILLE;
    case SERVICE_TIER_FLEX:
        return price->tiers.flex_permille;
    case SERVICE_TIER_PRIORITY:
        return price->tiers.priority_permille;
    case SERVICE_TIER_BATCH:
        return price->tiers.batch_permille;
    case SERVICE_TIER_OTHER:
        break;
    }
    return 0;
}

bool price_knows_tier(const struct price *price, enum service_tier tier)
{
    return known_permille(price, tier) > 0;
}

static int64_t dearest_permille(const struct price *price)
{
    return larger(larger(PERMILLE, price->tiers.flex_permille),
                  larger(price->tiers.priority_permille, price->tiers.batch_permille));
}

static int64_t permille_of(const struct price *price, enum service_tier tier)
{
    int64_t permille = known_permille(price, tier);
    return permille > 0 ? permille : dearest_permille(price);
}

/* ---- costs ---- */

/* At most `part` off what is left of a total. A part below 0 (of what others took too) is none. */
static int64_t take(int64_t *left, int64_t part)
{
    int64_t taken = part > *left ? *left : part;
    if (taken < 0)
        return 0;
    *left -= taken;
    return taken;
}

/* What the tokens of each meter cost, before their tier. */
struct sums {
    money_pusd meters[PRICE_METERS];
};

static bool add_input(struct sums *sums, const struct price_rates *rates, const struct usage *usage)
{
    money_pusd *cached_sum = &sums->meters[PRICE_METER_CACHED_INPUT];
    money_pusd *written_sum = &sums->meters[PRICE_METER_CACHE_WRITE];
    money_pusd *sum = &sums->meters[PRICE_METER_INPUT];
    int64_t left = usage->input;
    int64_t cached_audio = take(&left, usage->cached_audio);
    int64_t cached = take(&left, usage->cached_input - cached_audio);
    int64_t written_1h = take(&left, usage->cache_write_1h);
    int64_t written = take(&left, usage->cache_write - written_1h);
    int64_t audio = take(&left, usage->audio_input - cached_audio);
    int64_t image = take(&left, usage->image_input);
    return add(cached_sum, cached_audio, rates->cached_audio_pusd) &&
           add(cached_sum, cached, rates->cached_input_pusd) &&
           add(written_sum, written_1h, rates->cache_write_1h_pusd) &&
           add(written_sum, written, rates->cache_write_pusd) &&
           add(sum, audio, rates->audio_input_pusd) && add(sum, image, rates->image_input_pusd) &&
           add(sum, left, rates->input_pusd);
}

static bool add_output(struct sums *sums, const struct price_rates *rates,
                       const struct usage *usage)
{
    money_pusd *sum = &sums->meters[PRICE_METER_OUTPUT];
    int64_t left = usage->output;
    int64_t audio = take(&left, usage->audio_output);
    int64_t image = take(&left, usage->image_output);
    int64_t reasoning = take(&left, usage->reasoning);
    return add(sum, audio, rates->audio_output_pusd) && add(sum, image, rates->image_output_pusd) &&
           add(&sums->meters[PRICE_METER_REASONING], reasoning, rates->reasoning_pusd) &&
           add(sum, left, rates->output_pusd);
}

/* What does not depend on tokens, nor on the tier. */
static bool add_fixed(money_pusd *milli, const struct price *price, int64_t web_searches)
{
    money_pusd nusd = 0;
    money_pusd fixed;
    return add(&nusd, web_searches, price->web_search_nusd) &&
           add(&nusd, 1, price->per_request_nusd) &&
           !__builtin_mul_overflow(nusd, MILLI_PER_NUSD, &fixed) &&
           !__builtin_add_overflow(*milli, fixed, milli);
}

static bool is_possible(const struct usage *usage)
{
    return usage->input >= 0 && usage->cached_input >= 0 && usage->cache_write >= 0 &&
           usage->cache_write_1h >= 0 && usage->audio_input >= 0 && usage->cached_audio >= 0 &&
           usage->image_input >= 0 && usage->output >= 0 && usage->reasoning >= 0 &&
           usage->audio_output >= 0 && usage->image_output >= 0;
}

/* Each meter's sum in thousandths of pico-dollars, with those before it. */
static bool add_up(const struct price *price, const struct usage *usage, struct sums *sums)
{
    *sums = (struct sums){{0}};
    if (!price->known || !is_possible(usage))
        return false;
    const struct price_rates *rates = rates_at(price, usage->input);
    money_pusd permille = permille_of(price, usage->service_tier), before = 0;
    if (!add_input(sums, rates, usage) || !add_output(sums, rates, usage))
        return false;
    for (size_t i = 0; i < PRICE_METERS; i++) {
        money_pusd *sum = &sums->meters[i];
        if (__builtin_mul_overflow(*sum, permille, sum) ||
            __builtin_add_overflow(*sum, before, sum))
            return false;
        before = *sum;
    }
    return true;
}

bool price_cost(const struct price *price, const struct usage *usage, int64_t *nusd)
{
    struct sums sums;
    if (!add_up(price, usage, &sums))
        return false;
    money_pusd milli = sums.meters[PRICE_METERS - 1];
    return add_fixed(&milli, price, usage->web_searches) && round_up(milli, nusd);
}

bool price_parts(const struct price *price, const struct usage *usage, int64_t nusd[PRICE_METERS])
{
    struct sums sums;
    int64_t before = 0;
    if (!add_up(price, usage, &sums))
        return false;
    for (size_t i = 0; i < PRICE_METERS; i++) {
        int64_t together;
        if (!round_up(sums.meters[i], &together))
            return false;
        nusd[i] = together - before;
        before = together;
    }
    return true;
}

/* ---- bounds ---- */

/* What is no price makes none of both. */
static int64_t dearer(int64_t a_pusd, int64_t b_pusd)
{
    return a_pusd < 0 || b_pusd < 0 ? -1 : larger(a_pusd, b_pusd);
}

static int64_t dearest_input(const struct price_rates *rates, const struct price_scope *scope)
{
    int64_t dearest = dearer(dearer(rates->input_pusd, rates->cached_input_pusd),
                             dearer(rates->cache_write_pusd, rates->cache_write_1h_pusd));
    if (scope->audio_input)
        dearest = dearer(dearest, dearer(rates->audio_input_pusd, rates->cached_audio_pusd));
    return scope->image_input ? dearer(dearest, rates->image_input_pusd) : dearest;
}

static int64_t dearest_output(const struct price_rates *rates, const struct price_scope *scope)
{
    int64_t dearest = dearer(rates->output_pusd, rates->reasoning_pusd);
    if (scope->audio_output)
        dearest = dearer(dearest, rates->audio_output_pusd);
    return scope->image_output ? dearer(dearest, rates->image_output_pusd) : dearest;
}

/* The bound as a line over output tokens, in thousandths of pico-dollars. */
struct line {
    money_pusd base;  /* what is sure to be paid before any output */
    money_pusd slope; /* an output token; at most 2^126 */
};

static bool bound_line(const struct price *price, const struct price_scope *scope,
                       int64_t input_tokens, struct line *line)
{
    if (!price->known)
        return false;
    int64_t input_pusd = dearest_input(&price->rates, scope);
    int64_t output_pusd = dearest_output(&price->rates, scope);
    for (size_t i = 0; i < price->step_count; i++) {
        const struct price_step *step = &price->steps[i];
        if (input_tokens <= step->above_tokens)
            break;
        input_pusd = dearer(input_pusd, dearest_input(&step->rates, scope));
        output_pusd = dearer(output_pusd, dearest_output(&step->rates, scope));
    }
    if (output_pusd < 0)
        return false;
    int64_t permille = scope->any_tier ? dearest_permille(price) : PERMILLE;
    money_pusd input = 0;
    line->slope = (money_pusd)output_pusd * permille;
    return add(&input, input_tokens, input_pusd) &&
           !__builtin_mul_overflow(input, (money_pusd)permille, &line->base) &&
           add_fixed(&line->base, price, scope->web_searches);
}

bool price_bound(const struct price *price, const struct price_scope *scope, int64_t input_tokens,
                 int64_t output_tokens, int64_t *nusd)
{
    struct line line;
    money_pusd output;
    return output_tokens >= 0 && bound_line(price, scope, input_tokens, &line) &&
           !__builtin_mul_overflow(line.slope, (money_pusd)output_tokens, &output) &&
           !__builtin_add_overflow(line.base, output, &line.base) && round_up(line.base, nusd);
}

int64_t price_affordable_output(const struct price *price, const struct price_scope *scope,
                                int64_t input_tokens, int64_t choices, int64_t nusd)
{
    ASSERT(choices >= 1);
    struct line line;
    money_pusd slope;
    if (!bound_line(price, scope, input_tokens, &line))
        return -1;
    /* ceil(sum / 10^6) ≤ nusd exactly when sum ≤ nusd × 10^6: no rounding is lost here. */
    money_pusd left = (money_pusd)nusd * MILLI_PER_NUSD - line.base;
    if (left < 0)
        return -1;
    if (line.slope == 0)
        return INT64_MAX;
    if (__builtin_mul_overflow(line.slope, (money_pusd)choices, &slope))
        return 0;
    money_pusd limit = left / slope;
    int64_t most = INT64_MAX / choices; /* choices × limit must itself be a number of tokens */
    return limit > most ? most : (int64_t)limit;
}

static bool is_free(const struct price_rates *rates)
{
    static const struct price_scope everything = {
        .audio_input = true, .image_input = true, .audio_output = true, .image_output = true};
    return dearest_input(rates, &everything) == 0 && dearest_output(rates, &everything) == 0;
}

bool price_is_free(const struct price *price)
{
    for (size_t i = 0; i < price->step_count; i++)
        if (!is_free(&price->steps[i].rates))
            return false;
    return price->known && is_free(&price->rates) && price->per_request_nusd == 0 &&
           price->web_search_nusd == 0;
}
