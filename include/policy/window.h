/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of time by their number. Calendar windows begin at the zone's own midnight, Monday or first
 * of the month; a rolling one is the last `period`, in slots that are numbered as windows are:
 *
 *   slots of period / 60   … [ 98 ][ 99 ][100 ] … [158 ][159 ]
 *   at slot 159 count                [ 99 … 159 ]: the period, and what of a slot has passed beyond
 *
 * Numbers are the same in every process, and of a zone's days and months those of any other zone's.
 * window_at() is the calendar's word only: cells never go back. Pure.
 */
#ifndef POLICY_WINDOW_H
#define POLICY_WINDOW_H

#include "base/span.h"
#include "base/timezone.h"

#include <stdbool.h>
#include <stdint.h>

enum window_kind {
    WINDOW_MINUTE,
    WINDOW_HOUR,
    WINDOW_DAY,
    WINDOW_WEEK, /* from Monday on */
    WINDOW_MONTH,
    WINDOW_TOTAL,
    WINDOW_ROLLING,
};

struct window_rule {
    enum window_kind kind;
    int64_t period_ns;                 /* of a rolling one: at least WINDOW_LEAST_PERIOD_NS */
    const struct timezone_rules *zone; /* of a calendar one; NULL: UTC. Borrowed */
};

#define WINDOW_SLOTS           60 /* of a rolling window's period; one more counts */
#define WINDOW_LEAST_PERIOD_NS 1000000000LL

/* "minute", "hour", "day", "week", "month", "total", "rolling". */
const char *window_kind_name(enum window_kind kind);
/* The same, or "24h" of a rolling one; into out; returns out. */
#define WINDOW_TEXT_SIZE 24
char *window_text(const struct window_rule *rule, char out[WINDOW_TEXT_SIZE]);
/* What window_text wrote: kind and period. */
bool window_parse(struct span text, struct window_rule *rule);
/* How many windows count together: 1, or a rolling one's slots. */
int64_t window_span(enum window_kind kind);

/* The window around wall_ns: minutes, hours, days, weeks or months since 1970-01-01 by the zone's
 * clocks, negative before; slots; total: 0. (Minutes and hours pass in winter and in summer: only the
 * part of an hour that a zone is apart from UTC moves them.) */
int64_t window_at(const struct window_rule *rule, int64_t wall_ns);
/* The first moment at which the window counts no more, INT64_MAX when that lies beyond int64_t;
 * total: 0. */
int64_t window_end(const struct window_rule *rule, int64_t id);
/* How long one is, a month taken as 30 days; total: 0. */
int64_t window_length_ns(const struct window_rule *rule);

#endif
