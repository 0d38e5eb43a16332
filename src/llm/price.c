/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost arithmetic. Sums are pico-dollars, 128 bits wide, and rounded up to nano-dollars once at the
 * end: rounding each part would bill up to five nano-dollars too much.
 *
 * price_cost and price_bound round the same way, and the bound takes the dearest input price for
 * every input token, so a cost within the bound's tokens is never above the bound.
 */
#include "llm/price.h"

#include "base/assert.h"
#include "base/money.h"

/* *sum += tokens × price. False when either is negative or the sum leaves 128 bits. */
static bool add_tokens(money_pusd *sum, int64_t tokens, int64_t price_pusd)
{
    if (tokens < 0 || price_pusd < 0)
        return false;
    /* Two 63-bit factors: the product cannot leave 128 bits, the sum can. */
    money_pusd product = (money_pusd)tokens * price_pusd;
    return !__builtin_add_overflow(*sum, product, sum);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t dearest_input_pusd(const struct price *price)
{
    return larger(price->rates.input_pusd,
                  larger(price->rates.cached_input_pusd, price->rates.cache_write_pusd));
}

bool price_cost(const struct price *price, const struct usage *usage, int64_t *nusd)
{
    if (!price->known || usage->input < 0 || usage->cached_input < 0 || usage->cache_write < 0)
        return false;
    /* A report whose parts exceed their total is impossible (usage_read_openai refuses it); were
     * one to come here, the plain part is none rather than negative money. In 128 bits, since the
     * parts' sum may leave 64. */
    money_pusd plain = (money_pusd)usage->input - usage->cached_input - usage->cache_write;
    if (plain < 0)
        plain = 0;
    money_pusd sum = 0;
    return add_tokens(&sum, (int64_t)plain, price->rates.input_pusd) &&
           add_tokens(&sum, usage->cached_input, price->rates.cached_input_pusd) &&
           add_tokens(&sum, usage->cache_write, price->rates.cache_write_pusd) &&
           add_tokens(&sum, usage->output, price->rates.output_pusd) &&
           add_tokens(&sum, price->per_request_nusd, PUSD_PER_NUSD) && money_round_up(sum, nusd);
}

/* What is sure to be paid before any output. */
static bool input_pusd(const struct price *price, int64_t input_tokens, money_pusd *sum)
{
    *sum = 0;
    return price->known && add_tokens(sum, input_tokens, dearest_input_pusd(price)) &&
           add_tokens(sum, price->per_request_nusd, PUSD_PER_NUSD);
}

bool price_bound(const struct price *price, int64_t input_tokens, int64_t output_tokens,
                 int64_t *nusd)
{
    money_pusd sum;
    return input_pusd(price, input_tokens, &sum) &&
           add_tokens(&sum, output_tokens, price->rates.output_pusd) && money_round_up(sum, nusd);
}

int64_t price_affordable_output(const struct price *price, int64_t input_tokens, int64_t choices,
                                int64_t nusd)
{
    ASSERT(choices >= 1);
    money_pusd input;
    if (!input_pusd(price, input_tokens, &input))
        return -1;
    /* ceil(sum / 1000) ≤ nusd exactly when sum ≤ nusd × 1000: no rounding is lost here. */
    money_pusd left = (money_pusd)nusd * PUSD_PER_NUSD - input;
    if (left < 0 || price->rates.output_pusd < 0)
        return -1;
    if (price->rates.output_pusd == 0)
        return INT64_MAX;
    money_pusd limit = left / ((money_pusd)choices * price->rates.output_pusd);
    int64_t most = INT64_MAX / choices; /* choices × limit must itself be a number of tokens */
    return limit > most ? most : (int64_t)limit;
}

bool price_is_free(const struct price *price)
{
    return price->known && dearest_input_pusd(price) == 0 && price->rates.output_pusd == 0 &&
           price->per_request_nusd == 0;
}
