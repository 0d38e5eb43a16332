/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Liveness, readiness, and who may knock. */
#include "admin_private.h"

#include <arpa/inet.h>
#include <string.h>

void health_live(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)admin;
    (void)headers;
    buf_append(reply->body, SPAN("ok\n"));
}

void health_ready(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)headers;
    bool ready = admin->owner->ready(admin->argument);
    reply->status = ready ? 200 : 503;
    buf_append(reply->body, ready ? SPAN("ready\n") : SPAN("draining\n"));
}

/* The host of "name:port", "name" or "[address]:port". */
static struct span host_name(struct span host)
{
    struct span name;
    if (span_starts_with(host, SPAN("["))) {
        span_cut(span_from(host, 1), ']', &name);
        return name;
    }
    span_cut(host, ':', &name);
    return name;
}

static bool is_address(struct span name)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* A page that rebinds its DNS name to us still sends that name: an address literal or localhost
 * cannot come from there, any other name must be the operator's. */
bool host_allowed(const struct admin *admin, struct span host)
{
    const struct snapshot *snapshot = admin->owner->snapshot(admin->argument);
    struct span name = host_name(host);
    if (name.len == 0)
        return false;
    if (is_address(name) || span_equal_nocase(name, SPAN("localhost")))
        return true;
    for (size_t i = 0; i < snapshot->admin_host_count; i++) {
        struct span known = span_from_string(snapshot->admin_hosts[i]);
        if (span_equal_nocase(known, name) || span_equal_nocase(known, host))
            return true;
    }
    return false;
}
