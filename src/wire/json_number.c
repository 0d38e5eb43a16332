/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON texts. The range check needs no conversion: the place of the first digit that is
 * not zero, with the exponent, says how large a number is, and only at 10^308 do digits matter.
 */
#include "json_text.h"

#include <string.h>

/* From here on a number rounds to infinity: half a unit above the largest double. Its first digits;
 * a number that has all of these is refused, whatever follows. */
static const char limit_digits[] = "1797693134862315807937289";
#define LIMIT_EXPONENT 308

struct number {
    const char *integer; /* the parts: digits only, the last two may be empty */
    const char *integer_end;
    const char *fraction;
    const char *fraction_end;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* "e+12" at `at`; NULL when malformed. The value saturates far outside any double's range, also for
 * a mantissa as long as a text can be. */
static const char *read_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = false;
    int64_t value = 0;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    const char *digits = at;
    for (at = skip_digits(at, end); digits < at && value < INT64_MAX / 100; digits++)
        value = value * 10 + (*digits - '0');
    *exponent = negative ? -value : value;
    return is_digit(at[-1]) ? at : NULL;
}

/* Compares the digits from `at` on, over the decimal point, with the limit's. */
static bool reaches_limit(const struct number *number, const char *at)
{
    for (const char *limit = limit_digits; *limit != '\0'; limit++) {
        if (at == number->integer_end)
            at = number->fraction;
        char digit = at == number->fraction_end ? '0' : *at++;
        if (digit != *limit)
            return digit > *limit;
    }
    return true;
}

/* In scientific notation with one digit before the point, 10^place is that digit's weight: below
 * 10^308 all fits, above nothing does. Numbers too small for a double are fine: they are zero. */
static bool in_range(const struct number *number)
{
    const char *first = number->integer;
    int64_t place = number->integer_end - number->integer - 1;
    if (*first == '0') {
        place = 0;
        for (first = number->fraction; first < number->fraction_end && *first == '0'; first++)
            place--;
        place--;
        if (first == number->fraction_end)
            return true; /* zero, to any power */
    }
    place += number->exponent;
    return place < LIMIT_EXPONENT || (place == LIMIT_EXPONENT && !reaches_limit(number, first));
}

static const char *wrong(struct json_where *where, const char *at, const char *what)
{
    *where = (struct json_where){at, what};
    return NULL;
}

/* number = [ minus ] int [ frac ] [ exp ], RFC 8259, section 6. */
const char *json_number_end(const char *at, const char *end, struct json_where *where)
{
    const char *start = at;
    if (*at == '-')
        at++;
    struct number number = {.integer = at};
    at = skip_digits(at, end);
    number.integer_end = number.fraction = number.fraction_end = at;
    size_t digits = (size_t)(at - number.integer);
    if (digits == 0 || (digits > 1 && *number.integer == '0'))
        return wrong(where, start, "malformed number");
    if (at < end && *at == '.') {
        number.fraction = at + 1;
        number.fraction_end = at = skip_digits(at + 1, end);
        if (number.fraction == number.fraction_end)
            return wrong(where, start, "malformed number");
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at, end, &number.exponent);
        if (at == NULL)
            return wrong(where, start, "malformed number");
    } else if (digits <= LIMIT_EXPONENT) {
        return at; /* nearly all numbers */
    }
    return in_range(&number) ? at : wrong(where, start, "number out of range");
}
