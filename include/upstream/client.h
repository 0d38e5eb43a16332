/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to providers: one client a worker (a curl multi behind it), and immutable routes that all
 * workers share. This header and attempt.h speak no curl: the transport may change.
 */
#ifndef UPSTREAM_CLIENT_H
#define UPSTREAM_CLIENT_H

#include "base/span.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct upstream_client;
struct upstream_route;

/* Once a process, before the first route or client and before threads. */
void upstream_global_init(void);

struct upstream_client *upstream_client_new(struct loop *loop);
/* Attempts under way must have been cancelled. Accepts NULL. */
void upstream_client_free(struct upstream_client **client);
/* Attempts under way. */
size_t upstream_client_active(const struct upstream_client *client);

struct upstream_route_settings {
    /* Whole: "https://api.openai.com/v1/chat/completions". No credentials in it. */
    struct span url;
    /* Sent with every request: credentials, content type … Not the fields that frame a message. */
    const struct header *headers;
    size_t header_count;
    struct span proxy;   /* empty: none, whatever the environment says */
    struct span ca_file; /* the only authorities trusted; empty: the system's */
    bool http2;
    int64_t connect_timeout_ms; /* to resolve, connect and secure; > 0 */
};

/* A parsed URL with its headers, immutable and counted; any thread. NULL when the URL, the proxy or a
 * header is no good. Copies what it needs and wipes credentials at its end. */
struct upstream_route *upstream_route_new(const struct upstream_route_settings *settings);
struct upstream_route *upstream_route_ref(struct upstream_route *route);
void upstream_route_unref(struct upstream_route **route);

#endif
