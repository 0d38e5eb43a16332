/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks. Pure modules never read one: `now` is passed to them. Monotonic time is for
 * timers, rates and durations; wall time for budget windows and what people read.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. Any thread. */
int64_t clock_monotonic_ns(void);
int64_t clock_wall_ns(void);

/* "2026-11-24T15:07:00.123Z" into out (at least 25 bytes); returns out. */
#define CLOCK_RFC3339_SIZE 25
char *clock_rfc3339(int64_t wall_ns, char *out);

/* "Tue, 24 Nov 2026 15:07:00 GMT", as HTTP writes dates (IMF-fixdate), into out; returns out. */
#define CLOCK_HTTP_DATE_SIZE 30
char *clock_http_date(int64_t wall_ns, char *out);

/* A civil date in the proleptic Gregorian calendar, UTC; month and day from 1. */
struct civil {
    int year;
    int month;
    int day;
};
/* Days since 1970-01-01 and back (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). */
int64_t civil_to_days(struct civil date);
struct civil civil_from_days(int64_t days);

#endif
