/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tokens cost. Prices are pico-dollars a token; costs are nano-dollars, rounded up once a
 * request. Every product is 128 bits wide and checked: an overflow is a false result, and so are
 * negative tokens or prices and a price that is not known.
 */
#ifndef LLM_PRICE_H
#define LLM_PRICE_H

#include "llm/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pico-dollars a token of each kind. Whoever fills a price fills all of them: a kind without a price
 * of its own costs what the kind that it is part of costs, never nothing. */
struct price_rates {
    int64_t input_pusd;
    int64_t cached_input_pusd;   /* part of input, as are the next five */
    int64_t cache_write_pusd;    /* kept for 5 minutes, or as long as the provider likes */
    int64_t cache_write_1h_pusd; /* kept for an hour */
    int64_t audio_input_pusd;
    int64_t cached_audio_pusd;
    int64_t image_input_pusd;
    int64_t output_pusd;
    int64_t reasoning_pusd; /* part of output, as are the next two */
    int64_t audio_output_pusd;
    int64_t image_output_pusd;
};

/* A long-context step: a request with more input tokens than this pays these rates for all of its
 * tokens. */
struct price_step {
    int64_t above_tokens;
    struct price_rates rates;
};

#define PRICE_MAX_STEPS 3

/* What a service tier costs beside the standard one, in thousandths; 0: not offered at a known
 * price. */
struct price_tiers {
    int64_t flex_permille;
    int64_t priority_permille;
    int64_t batch_permille;
};

struct price {
    bool known;
    struct price_rates rates;
    struct price_step steps[PRICE_MAX_STEPS]; /* rising */
    size_t step_count;
    struct price_tiers tiers;
    int64_t per_request_nusd;
    int64_t web_search_nusd; /* each; per-request tools that the provider runs */
};

/* The kinds by the names that files have for them ("cached_input"), in the order of the members. */
struct price_kind {
    const char *name;
    size_t offset; /* in struct price_rates */
};

#define PRICE_KINDS 11
extern const struct price_kind price_kinds[PRICE_KINDS];

static inline int64_t *price_rate(struct price_rates *rates, const struct price_kind *kind)
{
    return (int64_t *)(void *)((char *)rates + kind->offset);
}
static inline int64_t price_rate_of(const struct price_rates *rates, const struct price_kind *kind)
{
    return *(const int64_t *)(const void *)((const char *)rates + kind->offset);
}

/* A price for a part of the time, as providers have them: from a day on, or at some hours of it. */
struct price_period {
    int64_t from_wall_ns; /* INT64_MIN: always */
    int32_t
        daily_from_s; /* seconds since midnight UTC, half open; over midnight where the first is */
    int32_t daily_to_s; /* the larger one; equal: all day */
    struct price price;
};

/* What a model costs at a provider. Where periods meet, the last one counts; the first one always
 * holds, so that there is a price at any time. */
struct price_schedule {
    const struct price_period *periods;
    size_t count; /* 0: no price */
};

/* NULL when there is no price. The result lives as long as the schedule's periods. */
const struct price *price_schedule_at(const struct price_schedule *schedule, int64_t wall_ns);

/* A rate that nobody gave: only between price_rates_unknown and price_rates_complete. */
#define PRICE_NOT_GIVEN (-1)

/* All rates PRICE_NOT_GIVEN. */
struct price_rates price_rates_unknown(void);

/* Gives each rate that was not given that of the kind it is part of: the parts of input cost as
 * input, those of output as output, an hour's cache write as the other (never below input). Audio
 * read from the cache costs the dearer of what was given for audio and for the cache. Input and
 * output must have been given (asserted). */
void price_rates_complete(struct price_rates *rates);

/* The other way: the rates but for those that price_rates_complete would give anyway. */
struct price_rates price_rates_given(const struct price_rates *rates);

/* Tokens by the rates of the step that usage->input reaches, times what the tier costs that served
 * the request, and beside them web searches and the request itself; in 128 bits, rounded up once.
 *
 * Each token is paid once. Parts are taken off their total in this order, and what is left is plain:
 * of input cached audio, cached, written for an hour, written, audio, image; of output audio, image,
 * reasoning. Where parts sum to more than their total the last ones overlap the ones before (cached
 * images), so no more than the total is charged: reasoning of 11 tokens in 10 of output costs 10.
 *
 * SERVICE_TIER_OTHER and a tier without a price are charged as the dearest tier that has one, at
 * least as the standard one; price_knows_tier() is false for them, and the gateway counts it
 * (weir_tier_unpriced_total). */
bool price_cost(const struct price *price, const struct usage *usage, int64_t *nusd);

/* What tokens are billed as, in reports. */
enum price_meter {
    PRICE_METER_INPUT, /* neither read from a cache nor written to one */
    PRICE_METER_CACHED_INPUT,
    PRICE_METER_CACHE_WRITE,
    PRICE_METER_OUTPUT, /* without reasoning */
    PRICE_METER_REASONING,
    PRICE_METERS
};
/* What of a cost each meter has. Rounded so that they, with what is charged for the request and for
 * searches, are the cost and not a nano-dollar more. False where price_cost is. */
bool price_parts(const struct price *price, const struct usage *usage, int64_t nusd[PRICE_METERS]);

/* Whether what this tier costs is known. */
bool price_knows_tier(const struct price *price, enum service_tier tier);

/* What a request may make a provider bill, beside text at the standard tier. */
struct price_scope {
    bool audio_input; /* it holds audio … */
    bool image_input;
    bool audio_output; /* … or may be answered in it */
    bool image_output;
    bool any_tier;        /* the provider chooses the service tier */
    int64_t web_searches; /* at most so many */
};

/* The most that a request with at most these tokens can cost: every token at the dearest rate that
 * it may get within the scope, whichever step and tier. price_cost of usage within the tokens and the
 * scope never exceeds it. */
bool price_bound(const struct price *price, const struct price_scope *scope, int64_t input_tokens,
                 int64_t output_tokens, int64_t *nusd);

/* The largest output limit L such that price_bound(input_tokens, choices × L) ≤ nusd (at most
 * INT64_MAX / choices); INT64_MAX when output is free; -1 when not even L = 0 fits or there is no
 * price. `choices` is at least 1. */
int64_t price_affordable_output(const struct price *price, const struct price_scope *scope,
                                int64_t input_tokens, int64_t choices, int64_t nusd);

/* Whether nothing can cost anything. An unknown price is not free. */
bool price_is_free(const struct price *price);

#endif
