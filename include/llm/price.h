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

/* (input − cached − written) × input + cached × cached_input + written × cache_write
 * + output × output + per_request; the first factor is never below 0. */
bool price_cost(const struct price *price, const struct usage *usage, int64_t *nusd);

/* The most that a request with at most these tokens can cost: input at its dearest price. */
bool price_bound(const struct price *price, int64_t input_tokens, int64_t output_tokens,
                 int64_t *nusd);

/* The largest output limit L such that price_bound(input_tokens, choices × L) ≤ nusd (at most
 * INT64_MAX / choices); INT64_MAX when output is free; -1 when not even L = 0 fits or there is no
 * price. `choices` is at least 1. */
int64_t price_affordable_output(const struct price *price, int64_t input_tokens, int64_t choices,
                                int64_t nusd);

/* Whether nothing can cost anything. An unknown price is not free. */
bool price_is_free(const struct price *price);

#endif
