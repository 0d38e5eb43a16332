/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values from text: exact, whole, never through a double. Each is false, with *out untouched, when
 * the text is not such a value or does not fit. Pure.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/arena.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define VALUE_NAME_MAX 95 /* bytes; a receipt's fields hold no more */

/* "600", "20k", "5M". No sign, no leading zero. */
bool value_count(struct span text, int64_t *out);
/* Bytes: "4096", "64k", "1M", "64KiB", "32MiB", "1GiB". */
bool value_size(struct span text, int64_t *bytes);
/* "250ms", "30s", "10m", "1h", "7d". */
bool value_duration(struct span text, int64_t *ms);
/* "25", "0.50", "20k", "1.5M": US dollars. */
bool value_usd(struct span text, int64_t *nusd);
/* "10%", "2.5%", at most four decimals, in millionths. */
bool value_percent(struct span text, int64_t *millionths);
/* "2027-01-01": its first moment, UTC. */
bool value_date(struct span text, int64_t *wall_ns);
/* true false yes no on off, whatever the case. */
bool value_bool(struct span text, bool *out);

/* Of providers, keys, budgets: 1 to VALUE_NAME_MAX of letters, digits and . _ - @ : + */
bool value_is_name(struct span text);
/* Of tenants: names between single slashes. */
bool value_is_path(struct span text);
/* Of models: 1 to VALUE_NAME_MAX of visible ASCII without quotes and backslashes. */
bool value_is_model(struct span text);
/* Only visible ASCII: what may stand in a header. */
bool value_is_visible(struct span text);

/* "127.0.0.1:8080", "[::1]:0", "localhost:8080" (as 127.0.0.1) → the address in one spelling, into
 * the arena. NULL when it is no IP address and port. */
const char *value_address(struct span text, struct arena *arena, bool *is_loopback);
/* localhost, 127.0.0.0/8, ::1 (a URL's host: without brackets). */
bool value_is_loopback(struct span host);

#endif
