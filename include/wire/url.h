/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of providers, and targets of requests. */
#ifndef WIRE_URL_H
#define WIRE_URL_H

#include "base/arena.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Parts borrow from the text. */
struct url {
    struct span scheme; /* "http" or "https", in lower case (static) */
    struct span host;   /* without brackets */
    uint16_t port;      /* given, or the scheme's own */
    struct span path;   /* from the first slash, without trailing ones; may be empty */
};

/* An http or https URL without user, query or fragment. False otherwise. */
bool url_parse(struct span text, struct url *out);

/* "127.0.0.1:8080", "[::1]:8080", "host:1"; port 0 asks the system for one. False when there is no
 * host or no port, or when the port is no number up to 65535. */
bool address_parse(struct span text, struct span *host, uint16_t *port);

/* The path of a request target in origin form or absolute form, percent-decoded once into the arena
 * (borrowed when nothing is encoded); *query gets what follows "?", as sent. False when it is
 * neither, when it has a fragment, when an escape in the path is malformed or stands for a control
 * character or a slash, and when the arena is full. */
bool target_path(struct span target, struct arena *arena, struct span *path, struct span *query);

#endif
