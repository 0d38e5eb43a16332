/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the clocks, and civil dates from day numbers. The date algorithms count years from March,
 * so that the leap day is the last of its year, and eras of 400 years, which all have 146,097 days.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DAYS_PER_ERA 146097
/* From 0000-03-01 to 1970-01-01. */
#define DAYS_TO_EPOCH 719468
#define S_PER_DAY     86400

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    /* Both ids always exist on Linux, so this cannot fail. */
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* Rounded towards minus infinity, as times before 1970 need. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* `count` decimal digits and the byte that follows them; returns where to go on. */
static char *put(char *out, int64_t value, int count, char after)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    out[count] = after;
    return out + count + 1;
}

/* The same for a name of three letters. */
static char *put_word(char *out, const char *word, char after)
{
    memcpy(out, word, 3);
    out[3] = after;
    return out + 4;
}

char *clock_rfc3339(int64_t wall_ns, char *out)
{
    int64_t ms = floor_div(wall_ns, NS_PER_MS);
    int64_t s = floor_div(ms, 1000);
    int64_t days = floor_div(s, S_PER_DAY);
    int64_t of_day = s - days * S_PER_DAY;
    struct civil date = civil_from_days(days);

    /* 64 bits of nanoseconds reach from 1677 to 2262: a year has four digits. */
    char *at = put(out, date.year, 4, '-');
    at = put(at, date.month, 2, '-');
    at = put(at, date.day, 2, 'T');
    at = put(at, of_day / 3600, 2, ':');
    at = put(at, of_day / 60 % 60, 2, ':');
    at = put(at, of_day % 60, 2, '.');
    at = put(at, ms - s * 1000, 3, 'Z');
    *at = '\0';
    return out;
}

char *clock_http_date(int64_t wall_ns, char *out)
{
    static const char weekdays[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t s = floor_div(wall_ns, NS_PER_S);
    int64_t days = floor_div(s, S_PER_DAY);
    int64_t of_day = s - days * S_PER_DAY;
    int64_t weekday = days - floor_div(days, 7) * 7; /* 1970-01-01 was a Thursday */
    struct civil date = civil_from_days(days);

    char *at = put_word(out, weekdays[weekday], ',');
    *at++ = ' ';
    at = put(at, date.day, 2, ' ');
    at = put_word(at, months[date.month - 1], ' ');
    at = put(at, date.year, 4, ' ');
    at = put(at, of_day / 3600, 2, ':');
    at = put(at, of_day / 60 % 60, 2, ':');
    at = put(at, of_day % 60, 2, ' ');
    put_word(at, "GMT", '\0');
    return out;
}

int64_t civil_to_days(struct civil date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

struct civil civil_from_days(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
        .month = (int)month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}
