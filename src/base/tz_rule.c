/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX 8.3 and RFC 8536 3.3.1, whose offsets count west as positive and whose hours may reach 167. */
#include "tz_rule.h"

#include "base/clock.h"

#define DAY_S  86400
#define HOUR_S 3600

/* ---- reading ---- */

static bool take(struct span *text, char byte)
{
    if (text->len == 0 || text->ptr[0] != byte)
        return false;
    *text = span_from(*text, 1);
    return true;
}

/* "CET", "<+0530>": at least three characters. */
static bool skip_name(struct span *text)
{
    size_t len = 0;
    if (take(text, '<')) {
        len = span_find(*text, '>');
        *text = span_from(*text, len);
        return len >= 3 && take(text, '>');
    }
    while (len < text->len && ((text->ptr[len] >= 'A' && text->ptr[len] <= 'Z') ||
                               (text->ptr[len] >= 'a' && text->ptr[len] <= 'z')))
        len++;
    *text = span_from(*text, len);
    return len >= 3;
}

static bool read_number(struct span *text, int most, int *out)
{
    size_t len = 0;
    int value = 0;
    while (len < text->len && len < 3 && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        value = value * 10 + (text->ptr[len++] - '0');
    *text = span_from(*text, len);
    *out = value;
    return len > 0 && value <= most;
}

/* [+-]h[:mm[:ss]] */
static bool read_time(struct span *text, int32_t *out)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(text, '-');
    if (!negative)
        take(text, '+');
    if (!read_number(text, 167, &hours) || (take(text, ':') && !read_number(text, 59, &minutes)) ||
        (take(text, ':') && !read_number(text, 59, &seconds)))
        return false;
    int32_t time = hours * HOUR_S + minutes * 60 + seconds;
    *out = negative ? -time : time;
    return true;
}

static bool read_day(struct span *text, struct tz_moment *out)
{
    if (take(text, 'M')) {
        out->kind = TZ_DAY_OF_MONTH;
        return read_number(text, 12, &out->month) && out->month > 0 && take(text, '.') &&
               read_number(text, 5, &out->week) && out->week > 0 && take(text, '.') &&
               read_number(text, 6, &out->day);
    }
    out->kind = take(text, 'J') ? TZ_JULIAN : TZ_ZERO_BASED;
    return read_number(text, 365, &out->day) && (out->kind == TZ_ZERO_BASED || out->day > 0);
}

static bool read_moment(struct span *text, struct tz_moment *out)
{
    out->time_s = 2 * HOUR_S;
    return take(text, ',') && read_day(text, out) &&
           (!take(text, '/') || read_time(text, &out->time_s));
}

bool tz_rule_read(struct span text, struct tz_rule *out)
{
    struct tz_rule rule = {0};
    int32_t west_s;
    if (!skip_name(&text) || !read_time(&text, &west_s))
        return false;
    rule.standard_s = -west_s;
    if (text.len > 0) {
        rule.has_daylight = true;
        rule.daylight_s = rule.standard_s + HOUR_S;
        if (!skip_name(&text))
            return false;
        if (text.len > 0 && text.ptr[0] != ',') {
            if (!read_time(&text, &west_s))
                return false;
            rule.daylight_s = -west_s;
        }
        if (!read_moment(&text, &rule.begins) || !read_moment(&text, &rule.ends) || text.len > 0)
            return false;
    }
    *out = rule;
    return true;
}

/* ---- applying ---- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970 of a rule's day in a year. */
static int64_t day_in(const struct tz_moment *moment, int year)
{
    int64_t first = civil_to_days((struct civil){year, 1, 1});
    if (moment->kind == TZ_ZERO_BASED)
        return first + moment->day;
    if (moment->kind == TZ_JULIAN) /* never counts 29 February */
        return first + moment->day - 1 + (is_leap(year) && moment->day >= 60 ? 1 : 0);
    int64_t month = civil_to_days((struct civil){year, moment->month, 1});
    int next_month = moment->month % 12 + 1;
    int64_t end = civil_to_days((struct civil){year + (next_month == 1), next_month, 1});
    int64_t weekday = ((month + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = month + (moment->day - weekday + 7) % 7 + (moment->week - 1) * 7;
    while (day >= end)
        day -= 7;
    return day;
}

static int64_t wall_in(const struct tz_moment *moment, int year, int32_t offset_s)
{
    return day_in(moment, year) * DAY_S + moment->time_s - offset_s;
}

int32_t tz_rule_offset_s(const struct tz_rule *rule, int64_t wall_s)
{
    if (!rule->has_daylight)
        return rule->standard_s;
    int64_t local_s = wall_s + rule->standard_s;
    int64_t days = local_s / DAY_S - (local_s % DAY_S < 0 ? 1 : 0);
    int year = civil_from_days(days).year;
    int64_t begins = wall_in(&rule->begins, year, rule->standard_s);
    int64_t ends = wall_in(&rule->ends, year, rule->daylight_s);
    bool daylight = begins < ends ? wall_s >= begins && wall_s < ends
                                  : wall_s >= begins || wall_s < ends; /* the south */
    return daylight ? rule->daylight_s : rule->standard_s;
}
