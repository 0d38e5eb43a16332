/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A route as the handles see it. Immutable from birth to its last unref, so threads share it: curl
 * copies the URL before it works on it, and only reads the list.
 */
#ifndef UPSTREAM_ROUTE_PRIVATE_H
#define UPSTREAM_ROUTE_PRIVATE_H

#include "base/ref.h"

#include <curl/curl.h>
#include <stdbool.h>

struct upstream_route {
    struct ref ref;
    CURLU *url;
    struct curl_slist *lines; /* "Name: value", credentials among them */
    char *proxy;              /* "" for none */
    char *ca_file;            /* NULL for the system's */
    bool http2;
    long connect_timeout_ms;
};

#endif
