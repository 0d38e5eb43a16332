/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin server: a request in, a whole reply out. Bodies of requests are read and ignored: no
 * endpoint takes one yet.
 */
#include "admin_private.h"

#include "base/assert.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "llm/dialect.h"
#include "wire/url.h"

#include <stdlib.h>
#include <string.h>

#define REPLY_CEILING (64 * 1024 * 1024)

static const struct admin_route routes[] = {
    {SPAN_INIT("/healthz"), SPAN_INIT("GET"), false, health_live},
    {SPAN_INIT("/readyz"), SPAN_INIT("GET"), false, health_ready},
    {SPAN_INIT("/metrics"), SPAN_INIT("GET"), false, metrics_scrape},
    {SPAN_INIT("/admin/budgets"), SPAN_INIT("GET"), true, budgets_get},
    {SPAN_INIT("/admin/breakers"), SPAN_INIT("GET"), true, breakers_get},
    {SPAN_INIT("/admin/breakers/ack"), SPAN_INIT("POST"), true, breakers_ack},
    {SPAN_INIT("/admin/reload"), SPAN_INIT("POST"), true, reload_post},
};

static const struct admin_route *route_find(struct span path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (span_equal(routes[i].path, path))
            return &routes[i];
    return NULL;
}

static bool token_given(const struct admin *admin, const struct headers *headers)
{
    struct span token = bearer_token(headers_get(headers, SPAN("authorization")));
    return token.len > 0 && secret_equal_spans(token, span_from_string(admin->token));
}

static enum err check(const struct admin *admin, const struct request_head *head,
                      struct arena *arena, const struct admin_route **route)
{
    struct span path, query;
    if (!host_allowed(admin, headers_get(&head->headers, SPAN("host"))))
        return ERR_HOST_REFUSED;
    if (!target_path(head->target, arena, &path, &query))
        return ERR_NOT_FOUND;
    *route = route_find(path);
    if (*route == NULL)
        return ERR_NOT_FOUND;
    if ((*route)->needs_token && !token_given(admin, &head->headers))
        return ERR_ADMIN_TOKEN;
    if (!span_equal(head->method, (*route)->method))
        return ERR_METHOD_NOT_ALLOWED;
    return ERR_NONE;
}

static void write_error(enum err err, struct admin_reply *reply)
{
    reply->status = err_info(err)->status;
    reply->content_type = SPAN("application/json");
    dialect_openai.write_error(err, NULL, NULL, reply->body);
}

static void *on_head(void *context, struct conn *conn, const struct request_head *head)
{
    struct admin *admin = context;
    struct arena arena;
    struct buf body;
    arena_init(&arena, 64 * 1024);
    buf_init(&body, REPLY_CEILING, 0);
    struct admin_reply reply = {.status = 200, .content_type = SPAN("text/plain"), .body = &body};
    const struct admin_route *route = NULL;
    enum err err = check(admin, head, &arena, &route);
    if (err == ERR_NONE)
        route->answer(admin, &head->headers, &reply);
    else
        write_error(err, &reply);
    struct header fields[] = {{SPAN("content-type"), reply.content_type},
                              {SPAN("cache-control"), SPAN("no-store")}};
    conn_reply(conn, reply.status, fields, 2, &body);
    buf_fini(&body);
    arena_fini(&arena);
    return admin; /* exchanges have no state of their own: every reply is whole at its head */
}

static void ignore_bytes(void *exchange, struct span bytes)
{
    (void)exchange;
    (void)bytes;
}

static void ignore(void *exchange)
{
    (void)exchange;
}

static void ignore_error(void *exchange, enum err err)
{
    (void)exchange;
    (void)err;
}

static const struct server_handler handler = {
    .on_head = on_head,
    .on_body = ignore_bytes,
    .on_body_end = ignore,
    .on_body_error = ignore_error,
    .on_drain = ignore,
    .on_half_close = ignore,
    .on_gone = ignore,
    .on_sent = ignore,
    .on_refused = ignore_error,
};

static const struct server_settings server_settings = {
    .head_timeout_ms = 10000,
    .body_timeout_ms = 10000,
    .idle_timeout_ms = 120000, /* longer than scrape intervals */
    .send_timeout_ms = 30000,
    .max_connections = 256,
    .queue_high = 256 * 1024,
    .queue_low = 64 * 1024,
};

struct admin *admin_start(const struct admin_settings *settings, const char **error)
{
    struct admin *admin = MEMORY_NEW(struct admin);
    admin->owner = settings->owner;
    admin->argument = settings->argument;
    admin->metrics = settings->metrics;
    admin->worker_count = settings->worker_count;
    admin->token = memory_string(settings->token, strlen(settings->token));
    admin->server = server_listen(settings->loop, settings->address, false, &server_settings,
                                  &handler, admin, error);
    if (admin->server == NULL)
        admin_stop(&admin);
    return admin;
}

void admin_stop(struct admin **address)
{
    struct admin *admin = *address;
    if (admin == NULL)
        return;
    *address = NULL;
    if (admin->server != NULL)
        server_free(&admin->server);
    secret_wipe(admin->token, strlen(admin->token));
    free(admin->token);
    free(admin);
}

uint16_t admin_port(const struct admin *admin)
{
    return server_port(admin->server);
}
