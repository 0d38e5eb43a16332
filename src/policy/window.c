/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows by the clocks of a zone: local time is wall time with the zone's offset added, in which
 * each day has 86,400 seconds. Leap seconds do not exist: wall time is POSIX time.
 */
#include "policy/window.h"

#include "base/assert.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_S 60
#define HOUR_S   3600
#define DAY_S    86400
#define WEEK     7
/* 1970-01-01 was a Thursday: the Monday before it was three days earlier. */
#define MONDAY_DAYS 3

const char *window_kind_name(enum window_kind kind)
{
    static const char *const names[] = {
        [WINDOW_MINUTE] = "minute",  [WINDOW_HOUR] = "hour",   [WINDOW_DAY] = "day",
        [WINDOW_WEEK] = "week",      [WINDOW_MONTH] = "month", [WINDOW_TOTAL] = "total",
        [WINDOW_ROLLING] = "rolling"};
    return names[kind];
}

static const struct {
    int64_t ns;
    const char *name;
} units[] = {{DAY_S * NS_PER_S, "d"}, {HOUR_S * NS_PER_S, "h"}, {MINUTE_S * NS_PER_S, "m"},
             {NS_PER_S, "s"},         {NS_PER_MS, "ms"},        {1, "ns"}};
#define UNITS (sizeof(units) / sizeof(units[0]))

char *window_text(const struct window_rule *rule, char out[WINDOW_TEXT_SIZE])
{
    if (rule->kind != WINDOW_ROLLING) {
        snprintf(out, WINDOW_TEXT_SIZE, "%s", window_kind_name(rule->kind));
        return out;
    }
    /* 24h stays 24h, as people write it: days only from two on. */
    size_t at = rule->period_ns < 2 * units[0].ns ? 1 : 0;
    while (rule->period_ns % units[at].ns != 0)
        at++;
    snprintf(out, WINDOW_TEXT_SIZE, "%" PRId64 "%s", rule->period_ns / units[at].ns,
             units[at].name);
    return out;
}

static bool parse_period(struct span text, int64_t *period_ns)
{
    uint64_t number;
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!span_to_u64(span_make(text.ptr, digits), &number))
        return false;
    for (size_t i = 0; i < UNITS; i++)
        if (span_equal(span_from(text, digits), span_from_string(units[i].name)))
            return !__builtin_mul_overflow(number, units[i].ns, period_ns) &&
                   *period_ns >= WINDOW_LEAST_PERIOD_NS;
    return false;
}

bool window_parse(struct span text, struct window_rule *rule)
{
    *rule = (struct window_rule){.kind = WINDOW_ROLLING};
    for (enum window_kind kind = 0; kind < WINDOW_ROLLING; kind++)
        if (span_equal(text, span_from_string(window_kind_name(kind)))) {
            rule->kind = kind;
            return true;
        }
    return parse_period(text, &rule->period_ns);
}

int64_t window_span(enum window_kind kind)
{
    return kind == WINDOW_ROLLING ? WINDOW_SLOTS + 1 : 1;
}

/* Rounded towards minus infinity, as times before 1970 need. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t month_of_day(int64_t day)
{
    struct civil date = civil_from_days(day);
    return ((int64_t)date.year - 1970) * 12 + date.month - 1;
}

/* The other way round: months are counted from January 1970. */
static int64_t first_day_of_month(int64_t month)
{
    int64_t year = floor_div(month, 12);
    return civil_to_days((struct civil){
        .year = (int)(1970 + year), .month = (int)(month - year * 12) + 1, .day = 1});
}

/* Rounded up: the slots together are never shorter than the period. */
static int64_t slot_ns(const struct window_rule *rule)
{
    ASSERT(rule->period_ns >= WINDOW_LEAST_PERIOD_NS);
    return (rule->period_ns - 1) / WINDOW_SLOTS + 1;
}

/* What an hour of the zone begins later or earlier than one of UTC. */
static int64_t part_of_hour(const struct window_rule *rule, int64_t wall_s)
{
    return timezone_offset_s(rule->zone, wall_s) % HOUR_S;
}

int64_t window_at(const struct window_rule *rule, int64_t wall_ns)
{
    int64_t wall_s = floor_div(wall_ns, NS_PER_S);
    switch (rule->kind) {
    case WINDOW_TOTAL:
        return 0;
    case WINDOW_ROLLING:
        return floor_div(wall_ns, slot_ns(rule));
    case WINDOW_MINUTE:
        return floor_div(wall_s + part_of_hour(rule, wall_s), MINUTE_S);
    case WINDOW_HOUR:
        return floor_div(wall_s + part_of_hour(rule, wall_s), HOUR_S);
    case WINDOW_DAY:
    case WINDOW_WEEK:
    case WINDOW_MONTH:
        break;
    }
    int64_t day = floor_div(wall_s + timezone_offset_s(rule->zone, wall_s), DAY_S);
    if (rule->kind == WINDOW_DAY)
        return day;
    return rule->kind == WINDOW_WEEK ? floor_div(day + MONDAY_DAYS, WEEK) : month_of_day(day);
}

/* The last windows that int64_t can begin end in 2262, after its last moment. */
static int64_t in_ns(int64_t number, int64_t unit_ns)
{
    int64_t ns;
    return __builtin_mul_overflow(number, unit_ns, &ns) ? INT64_MAX : ns;
}

/* The zone's clocks show the first moment of that day. */
static int64_t day_begin_ns(const struct window_rule *rule, int64_t day)
{
    return in_ns(timezone_to_wall_s(rule->zone, day * DAY_S), NS_PER_S);
}

/* Where the part of an hour changes, a window may be half an hour longer or shorter: its end is as seen
 * from its middle. */
static int64_t short_end(const struct window_rule *rule, int64_t id, int64_t unit_s)
{
    int64_t end_s = (id + 1) * unit_s;
    return in_ns(end_s - part_of_hour(rule, end_s - unit_s / 2), NS_PER_S);
}

int64_t window_end(const struct window_rule *rule, int64_t id)
{
    switch (rule->kind) {
    case WINDOW_TOTAL:
        return 0;
    case WINDOW_ROLLING:
        return in_ns(id + window_span(rule->kind), slot_ns(rule));
    case WINDOW_MINUTE:
        return short_end(rule, id, MINUTE_S);
    case WINDOW_HOUR:
        return short_end(rule, id, HOUR_S);
    case WINDOW_DAY:
        return day_begin_ns(rule, id + 1);
    case WINDOW_WEEK:
        return day_begin_ns(rule, (id + 1) * WEEK - MONDAY_DAYS);
    case WINDOW_MONTH:
        break;
    }
    return day_begin_ns(rule, first_day_of_month(id + 1));
}

int64_t window_length_ns(const struct window_rule *rule)
{
    static const int64_t seconds[] = {
        [WINDOW_MINUTE] = MINUTE_S, [WINDOW_HOUR] = HOUR_S,      [WINDOW_DAY] = DAY_S,
        [WINDOW_WEEK] = 7 * DAY_S,  [WINDOW_MONTH] = 30 * DAY_S, [WINDOW_TOTAL] = 0};
    return rule->kind == WINDOW_ROLLING ? rule->period_ns : seconds[rule->kind] * NS_PER_S;
}
