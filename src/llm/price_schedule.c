/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the kinds of tokens, and which of several prices holds at a moment. */
#include "llm/price.h"

#define NS_PER_S INT64_C(1000000000)
#define DAY_S    INT64_C(86400)

#define KIND(name)                                       \
    {                                                    \
#name, offsetof(struct price_rates, name##_pusd) \
    }

const struct price_kind price_kinds[PRICE_KINDS] = {
    KIND(input),       KIND(cached_input), KIND(cache_write), KIND(cache_write_1h),
    KIND(audio_input), KIND(cached_audio), KIND(image_input), KIND(output),
    KIND(reasoning),   KIND(audio_output), KIND(image_output)};

/* Seconds since midnight, also before 1970. */
static int64_t second_of_day(int64_t wall_ns)
{
    int64_t second = wall_ns / NS_PER_S - (wall_ns % NS_PER_S < 0 ? 1 : 0);
    return (second % DAY_S + DAY_S) % DAY_S;
}

static bool holds(const struct price_period *period, int64_t wall_ns)
{
    if (wall_ns < period->from_wall_ns)
        return false;
    int64_t from = period->daily_from_s;
    int64_t to = period->daily_to_s;
    int64_t now = second_of_day(wall_ns);
    if (from <= to)
        return from == to || (now >= from && now < to);
    return now >= from || now < to;
}

const struct price *price_schedule_at(const struct price_schedule *schedule, int64_t wall_ns)
{
    for (size_t i = schedule->count; i > 0; i--)
        if (i == 1 || holds(&schedule->periods[i - 1], wall_ns))
            return &schedule->periods[i - 1].price;
    return NULL;
}
