/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the admin server: one answer function an endpoint. */
#ifndef ADMIN_PRIVATE_H
#define ADMIN_PRIVATE_H

#include "admin/admin.h"
#include "base/span.h"
#include "net/server.h"

#include <stdbool.h>
#include <stddef.h>

struct admin {
    struct server *server;
    const struct admin_owner *owner;
    void *argument;
    struct metrics *const *metrics;
    size_t worker_count;
    char *token;
};

struct admin_reply {
    int status;
    struct span content_type; /* static */
    struct buf *body;
};

struct admin_route {
    struct span path;
    struct span method;
    bool needs_token;
    void (*answer)(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
};

/* Whether a Host field names this listener and not a name that somebody's DNS points at it. */
bool host_allowed(const struct admin *admin, struct span host);

void health_live(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void health_ready(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void metrics_scrape(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void budgets_get(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void breakers_get(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void breakers_ack(struct admin *admin, const struct headers *headers, struct admin_reply *reply);
void reload_post(struct admin *admin, const struct headers *headers, struct admin_reply *reply);

#endif
