/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone's rule for all years, as POSIX writes TZ: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30".
 * Private to base.
 */
#ifndef BASE_TZ_RULE_H
#define BASE_TZ_RULE_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum tz_day { TZ_DAY_OF_MONTH, TZ_JULIAN, TZ_ZERO_BASED };

struct tz_moment {
    enum tz_day kind;
    int month;      /* 1 … 12 */
    int week;       /* 1 … 5, 5 is the last */
    int day;        /* of the week, 0 is Sunday; or of the year */
    int32_t time_s; /* local, may be negative or over a day */
};

struct tz_rule {
    int32_t standard_s;
    int32_t daylight_s;
    bool has_daylight;
    struct tz_moment begins; /* in standard time */
    struct tz_moment ends;   /* in daylight time */
};

bool tz_rule_read(struct span text, struct tz_rule *out);
int32_t tz_rule_offset_s(const struct tz_rule *rule, int64_t wall_s);

#endif
