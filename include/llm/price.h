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
#include <stdint.h>

struct price {
    bool known;
    int64_t input_pusd;
    int64_t cached_input_pusd; /* = input_pusd where the operator gives none */
    int64_t cache_write_pusd;  /* = input_pusd where the operator gives none */
    int64_t output_pusd;
    int64_t per_request_nusd;
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
