/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money is whole numbers: prices in pico-dollars a token (1 USD per million tokens = 1,000,000),
 * sums in nano-dollars, both int64_t; products in 128 bits. Every sum is checked: overflow is a
 * false result, never a wrapped number. No floating point.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define NUSD_PER_USD  1000000000LL
#define PUSD_PER_NUSD 1000LL

/* A product or sum of products in pico-dollars. */
typedef __int128 money_pusd;

/* false on overflow; *out is untouched then. */
bool money_add(int64_t a_nusd, int64_t b_nusd, int64_t *out);

/* Pico-dollars to nano-dollars, rounded up. False when negative or beyond int64_t. */
bool money_round_up(money_pusd pusd, int64_t *nusd);

/* "12.50" → nano-dollars. Digits with at most one point and at most nine decimals; no sign, no
 * exponent. False when malformed, more exact than a nano-dollar, or too large. */
bool money_parse_nusd(struct span text, int64_t *nusd);
/* USD per million tokens → pico-dollars per token: "2.50" → 2,500,000. At most six decimals. */
bool money_parse_price(struct span text, int64_t *pusd);

/* Exact decimal dollars, no trailing zeros after two decimals: "0.00", "12.50", "0.000000001",
 * "-1.25". `out` has at least MONEY_TEXT_SIZE bytes; returns out. */
#define MONEY_TEXT_SIZE 24
char *money_format(int64_t nusd, char *out);

#endif
