/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* "host", "host:port", "[v6]:port": the part that URLs, Host fields and addresses share. */
#ifndef WIRE_AUTHORITY_H
#define WIRE_AUTHORITY_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct authority {
    struct span host; /* without brackets; never empty */
    struct span port; /* digits of at most 65535; empty when there is none */
    uint16_t port_number;
};

/* False for an empty host, for bytes that neither a name nor an address has (so no user, path or
 * list gets through), and for a port that is no number up to 65535. Parts borrow from `text`. */
bool authority_parse(struct span text, struct authority *out);

#endif
