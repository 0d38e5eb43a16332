/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An estimate as a line of text: "estimate1", then each of its 64-bit words as 16 hexadecimal digits,
 * but for the memory. Exact to the bit, the same on every machine with IEEE doubles.
 */
#include "llm/estimate.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define TAG    SPAN("estimate1 ")
#define BYTES  offsetof(struct estimate, memory)
#define WORDS  (BYTES / sizeof(uint64_t))
#define DIGITS 16

static_assert(BYTES % sizeof(uint64_t) == 0, "doubles and int64_t only");
static_assert(sizeof(double) == sizeof(uint64_t), "IEEE doubles");

void estimate_write(const struct estimate *estimate, struct buf *out)
{
    uint64_t words[WORDS];
    memcpy(words, estimate, sizeof(words));
    buf_append(out, TAG);
    for (size_t i = 0; i < WORDS; i++)
        for (unsigned shift = 64; shift > 0; shift -= 4)
            buf_append_byte(out, "0123456789abcdef"[words[i] >> (shift - 4) & 15]);
}

static bool read_word(const char *digits, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < DIGITS; i++) {
        const char *all = "0123456789abcdef";
        const char *digit = digits[i] != '\0' ? strchr(all, digits[i]) : NULL;
        if (digit == NULL)
            return false;
        *out = *out << 4 | (uint64_t)(digit - all);
    }
    return true;
}

static bool is_line(const struct estimate_line *line)
{
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++) {
        if (!isfinite(line->weights[i]) || line->covariance[i][i] < 0)
            return false;
        for (int k = 0; k < ESTIMATE_WEIGHTS; k++)
            if (!isfinite(line->covariance[i][k]))
                return false;
    }
    return true;
}

static bool is_quantile(const struct quantile *quantile, double p)
{
    for (int i = 0; i < 5; i++)
        if (!isfinite(quantile->heights[i]) || !isfinite(quantile->wanted[i]) ||
            quantile->places[i] < 0 || quantile->places[i] > quantile->count + 1)
            return false;
    for (int i = 1; i < 5 && quantile->count >= 5; i++)
        if (quantile->places[i] <= quantile->places[i - 1])
            return false;
    return quantile->p == p && quantile->count >= 0;
}

bool estimate_read(struct span line, struct estimate *out)
{
    uint64_t words[WORDS];
    struct estimate estimate = {.learned = 0};
    if (!span_starts_with(line, TAG) || line.len != TAG.len + WORDS * DIGITS)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        if (!read_word(line.ptr + TAG.len + i * DIGITS, &words[i]))
            return false;
    memcpy(&estimate, words, sizeof(words));
    bool good = is_line(&estimate.text) && is_line(&estimate.structure) &&
                is_quantile(&estimate.error_p50, 0.50) && is_quantile(&estimate.error_p90, 0.90) &&
                is_quantile(&estimate.over_p99, 0.99) && estimate.hidden_spread >= 0 &&
                isfinite(estimate.hidden_spread) && estimate.learned >= 0 &&
                estimate.exact_run >= 0 && estimate.drift_run >= 0;
    if (good)
        *out = estimate;
    return good;
}
