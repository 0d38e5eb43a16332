/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed list of header fields, in the order they came. Names compare without case. */
#ifndef WIRE_HEADERS_H
#define WIRE_HEADERS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct header {
    struct span name;
    struct span value; /* without surrounding white space */
};

struct headers {
    const struct header *items;
    size_t count;
};

/* The first field of that name, or NULL. */
const struct header *headers_find(const struct headers *headers, struct span name);
/* Its value, or the empty span. */
struct span headers_get(const struct headers *headers, struct span name);
size_t headers_count(const struct headers *headers, struct span name);

/* The token of an Authorization value of the scheme Bearer; empty for any other. */
struct span bearer_token(struct span value);

/* Whether a value may stand in a field: no CR, LF, NUL or other control characters but tab. */
bool field_safe(struct span value);

/* Whether a media type field names `type` ("application/json"), whatever its parameters. */
bool media_type_is(struct span value, struct span type);
/* The value of a parameter ("charset"), unquoted; empty when absent. */
struct span media_type_parameter(struct span value, struct span name);

#endif
