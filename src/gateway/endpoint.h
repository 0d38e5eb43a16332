/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of this version: everything else is 404 (default deny). */
#ifndef GATEWAY_ENDPOINT_H
#define GATEWAY_ENDPOINT_H

#include "base/span.h"

#include <stdbool.h>

struct dialect;

enum endpoint_kind {
    ENDPOINT_CHAT,
    ENDPOINT_COMPLETIONS,
    ENDPOINT_EMBEDDINGS,
    ENDPOINT_MODELS,
    ENDPOINT_MODEL
};

struct endpoint {
    enum endpoint_kind kind;
    const char *name; /* for logs: the path without what varies */
    struct span path; /* exact; with `tail`, what must stand before the varying rest */
    bool tail;
    struct span method;
    bool has_body; /* a JSON body is required */
    const struct dialect *dialect;
};

/* By exact path, decoded once; NULL when there is none. *tail gets what varies. */
const struct endpoint *endpoint_find(struct span path, struct span *tail);
/* Its own method, and HEAD where that is GET (RFC 9110, section 9.1). */
bool endpoint_takes(const struct endpoint *endpoint, struct span method);
/* Those methods, as the Allow field of a 405 lists them. */
struct span endpoint_allow(const struct endpoint *endpoint);
/* Whose errors an exchange speaks before its endpoint is known. */
extern const struct endpoint endpoint_unknown;

#endif
