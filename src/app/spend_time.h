/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as people give them on a command line. Pure. */
#ifndef APP_SPEND_TIME_H
#define APP_SPEND_TIME_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* For messages. */
#define SPEND_TIME_FORMS "2026-11-01, 2026-11-01T12:00:00Z, or 7d or 24h ago"

/* "2026-11-01" (its first moment, UTC), RFC 3339, or so many s, m, h, d or w before `now_ns`. False
 * for anything else; years 1970 to 2200. */
bool spend_time(struct span text, int64_t now_ns, int64_t *wall_ns);

#endif
