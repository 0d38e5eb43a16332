/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Moments on a command line; see spend_time.h. */
#include "spend_time.h"

#include "base/clock.h"

#include <string.h>

#define DAY_S 86400

/* Exactly `count` digits at `at`, at most `most`; -1: not so. */
static int64_t number(struct span text, size_t at, size_t count, int64_t most)
{
    uint64_t value;
    if (at + count > text.len || !span_to_u64(span_make(text.ptr + at, count), &value) ||
        (int64_t)value > most)
        return -1;
    return (int64_t)value;
}

/* "2026-11-01" → days. */
static bool read_date(struct span text, int64_t *days)
{
    int64_t year = number(text, 0, 4, 2200), month = number(text, 5, 2, 12);
    int64_t day = number(text, 8, 2, 31);
    if (text.len != strlen("YYYY-MM-DD") || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        year < 1970 || month < 1 || day < 1)
        return false;
    struct civil date = {(int)year, (int)month, (int)day};
    *days = civil_to_days(date);
    struct civil back = civil_from_days(*days);
    return back.month == date.month && back.day == date.day; /* no 30 February */
}

/* "Z", "+01:00" → seconds to take off. */
static bool read_offset(struct span text, int64_t *seconds)
{
    *seconds = 0;
    if (text.len == 1)
        return text.ptr[0] == 'Z' || text.ptr[0] == 'z';
    int64_t hours = number(text, 1, 2, 23), minutes = number(text, 4, 2, 59);
    if (text.len != strlen("+00:00") || text.ptr[3] != ':' || hours < 0 || minutes < 0)
        return false;
    *seconds = (hours * 60 + minutes) * 60 * (text.ptr[0] == '-' ? -1 : 1);
    return text.ptr[0] == '-' || text.ptr[0] == '+';
}

/* ".25" → nanoseconds, and the rest; without a point nothing. */
static bool read_fraction(struct span *text, int64_t *ns)
{
    int64_t unit = NS_PER_S / 10;
    size_t len = 1;
    *ns = 0;
    if (text->len == 0 || text->ptr[0] != '.')
        return true;
    for (; len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9'; len++, unit /= 10)
        *ns += (text->ptr[len] - '0') * unit;
    *text = span_from(*text, len);
    return len > 1;
}

/* "T12:00:00", and what read_fraction and read_offset read. */
static bool read_clock(struct span text, int64_t *seconds, int64_t *ns)
{
    int64_t hour = number(text, 1, 2, 23), minute = number(text, 4, 2, 59);
    int64_t second = number(text, 7, 2, 60), offset;
    if (hour < 0 || minute < 0 || second < 0 || strchr("Tt ", text.ptr[0]) == NULL ||
        text.ptr[3] != ':' || text.ptr[6] != ':')
        return false;
    text = span_from(text, strlen("T00:00:00"));
    if (!read_fraction(&text, ns) || !read_offset(text, &offset))
        return false;
    *seconds = (hour * 60 + minute) * 60 + second - offset;
    return true;
}

static bool read_ago(struct span text, int64_t now_ns, int64_t *wall_ns)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}, {'w', (int64_t)7 * DAY_S}};
    uint64_t value;
    int64_t ns;
    if (text.len < 2 || !span_to_u64(span_make(text.ptr, text.len - 1), &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.ptr[text.len - 1] != units[i].unit)
            continue;
        if (__builtin_mul_overflow(value, units[i].seconds * NS_PER_S, &ns) || ns > now_ns)
            ns = now_ns; /* before there was time */
        *wall_ns = now_ns - ns;
        return true;
    }
    return false;
}

bool spend_time(struct span text, int64_t now_ns, int64_t *wall_ns)
{
    const size_t date_len = strlen("YYYY-MM-DD");
    int64_t days, seconds = 0, ns = 0;
    if (read_ago(text, now_ns, wall_ns))
        return true;
    if (text.len < date_len || !read_date(span_make(text.ptr, date_len), &days))
        return false;
    if (text.len > date_len && !read_clock(span_from(text, date_len), &seconds, &ns))
        return false;
    *wall_ns = (days * DAY_S + seconds) * NS_PER_S + ns;
    return true;
}
