/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked integer money, and its decimal text. Parsing and formatting are exact: a text that cannot
 * be represented is refused, never rounded.
 */
#include "base/money.h"

#include <string.h>

#define NUSD_DECIMALS  9
#define PRICE_DECIMALS 6

bool money_add(int64_t a_nusd, int64_t b_nusd, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a_nusd, b_nusd, &sum))
        return false;
    *out = sum;
    return true;
}

bool money_round_up(money_pusd pusd, int64_t *nusd)
{
    if (pusd < 0)
        return false;
    /* Not (pusd + 999) / 1000, which could overflow. */
    money_pusd whole = pusd / PUSD_PER_NUSD + (pusd % PUSD_PER_NUSD != 0 ? 1 : 0);
    if (whole > INT64_MAX)
        return false;
    *nusd = (int64_t)whole;
    return true;
}

/* value * 10 + digit; false on overflow, with *value spoilt. */
static bool add_digit(int64_t *value, int digit)
{
    return !__builtin_mul_overflow(*value, (int64_t)10, value) &&
           !__builtin_add_overflow(*value, (int64_t)digit, value);
}

static bool add_digits(int64_t *value, struct span digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        if (c < '0' || c > '9' || !add_digit(value, c - '0'))
            return false;
    }
    return true;
}

/* "12.5" with `decimals` 3 → 12500. A point must have digits on both sides. */
static bool parse_decimal(struct span text, size_t decimals, int64_t *out)
{
    struct span whole;
    struct span fraction = span_cut(text, '.', &whole);
    bool has_point = whole.len < text.len;
    if (whole.len == 0 || (has_point && fraction.len == 0) || fraction.len > decimals)
        return false;
    /* The digits as one number, then the decimals that were left out. */
    int64_t value = 0;
    if (!add_digits(&value, whole) || !add_digits(&value, fraction))
        return false;
    for (size_t i = fraction.len; i < decimals; i++)
        if (!add_digit(&value, 0))
            return false;
    *out = value;
    return true;
}

bool money_parse_nusd(struct span text, int64_t *nusd)
{
    return parse_decimal(text, NUSD_DECIMALS, nusd);
}

bool money_parse_price(struct span text, int64_t *pusd)
{
    return parse_decimal(text, PRICE_DECIMALS, pusd);
}

char *money_format(int64_t nusd, char *out)
{
    /* Built from the end; as unsigned, so that the least number has a magnitude. */
    char text[MONEY_TEXT_SIZE];
    char *at = text + sizeof(text);
    uint64_t rest = nusd < 0 ? 0 - (uint64_t)nusd : (uint64_t)nusd;
    *--at = '\0';
    bool seen = false; /* a decimal other than a trailing zero */
    for (int decimal = NUSD_DECIMALS; decimal > 0; decimal--) {
        char digit = (char)('0' + rest % 10);
        rest /= 10;
        seen = seen || digit != '0' || decimal <= 2;
        if (seen)
            *--at = digit;
    }
    *--at = '.';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (nusd < 0)
        *--at = '-';
    return memcpy(out, at, (size_t)(text + sizeof(text) - at));
}
