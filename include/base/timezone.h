/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones by their IANA names, from the system's files (TZif, RFC 8536). The C library knows one
 * zone for the whole process; budgets have one each. Immutable once read: any thread.
 */
#ifndef BASE_TIMEZONE_H
#define BASE_TIMEZONE_H

#include <stdint.h>

struct timezone_rules;

/* "UTC" needs no file. NULL with a static sentence in *why: no such zone, not a zone file, no rule for
 * the years to come. $TZDIR, or /usr/share/zoneinfo. */
struct timezone_rules *timezone_open(const char *name, const char **why);
/* Accepts NULL. */
void timezone_close(struct timezone_rules **address);

/* Seconds east of Greenwich at that moment, daylight saving included. NULL is UTC. */
int32_t timezone_offset_s(const struct timezone_rules *rules, int64_t wall_s);
/* The moment at which that zone's clocks first show this local time (seconds since 1970 as if it were
 * UTC), or, where they skip it, the moment at which they skip. */
int64_t timezone_to_wall_s(const struct timezone_rules *rules, int64_t local_s);

#endif
