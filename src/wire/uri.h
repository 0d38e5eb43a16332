/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of URIs that configuration, targets and Host fields share. All borrow from their
 * text. */
#ifndef WIRE_URI_H
#define WIRE_URI_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* "host", "host:port", "[v6]:port". */
struct authority {
    struct span host; /* without brackets; never empty */
    struct span port; /* digits of at most 65535; empty when there is none */
    uint16_t port_number;
};

/* False for an empty host, for bytes that neither a name nor an address has (so no user, path or
 * list gets through), and for a port that is no number up to 65535. */
bool authority_parse(struct span text, struct authority *out);

/* Splits "http://" or "https://" off, in any case; *scheme is static. False for other schemes. */
bool uri_cut_scheme(struct span text, struct span *scheme, struct span *rest);
/* Splits `rest` before its first slash or question mark; returns what begins there. */
struct span uri_cut_authority(struct span rest, struct span *authority);
/* Whether path and query hold none of the bytes that never stand in them: controls, spaces, quotes,
 * angle brackets, backslashes, fragments, and all beyond ASCII. */
bool uri_bytes_valid(struct span text);

#endif
