/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar windows, UTC. A day's id is its number since 1970-01-01, a month's id the number of
 * months since January 1970; both are negative before, and total is always 0. Leap seconds do not
 * exist: wall time is POSIX time, in which each day has 86,400 seconds.
 */
#include "window.h"

#include "base/assert.h"
#include "base/clock.h"

#define NS_PER_DAY (86400 * NS_PER_S)

const char *window_kind_name(enum window_kind kind)
{
    switch (kind) {
    case WINDOW_DAY:
        return "day";
    case WINDOW_MONTH:
        return "month";
    case WINDOW_TOTAL:
        return "total";
    }
    UNREACHABLE();
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

int64_t window_end(enum window_kind kind, int64_t id)
{
    int64_t end;
    if (kind == WINDOW_TOTAL)
        return 0;
    int64_t day = kind == WINDOW_DAY ? id + 1 : first_day_of_month(id + 1);
    /* The last windows that int64_t can begin end in 2262, after its last moment. */
    return __builtin_mul_overflow(day, NS_PER_DAY, &end) ? INT64_MAX : end;
}

int64_t window_at(enum window_kind kind, int64_t wall_ns, int64_t *end_wall_ns)
{
    int64_t id = 0;
    if (kind != WINDOW_TOTAL) {
        int64_t day = floor_div(wall_ns, NS_PER_DAY);
        id = kind == WINDOW_DAY ? day : month_of_day(day);
    }
    if (end_wall_ns != NULL)
        *end_wall_ns = window_end(kind, id);
    return id;
}
