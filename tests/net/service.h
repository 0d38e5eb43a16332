/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose handler writes down what it is told, for the tests of net. By default it answers at
 * the end of the body, "METHOD target body"; a test hooks in where it wants something else.
 * service_fini checks the law of every exchange: exactly one of on_sent and on_gone.
 */
#ifndef TESTS_NET_SERVICE_H
#define TESTS_NET_SERVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "net/server.h"
#include "support/raw_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 64

struct service;

struct seen {
    struct service *service;
    struct conn *conn;
    char method[16];
    char target[64];
    int64_t content_length;
    struct buf body;
    int ends; /* calls of each callback */
    int body_errors;
    enum err body_error;
    int drains;
    int half_closes;
    int gone;
    int sent;
};

struct service {
    struct loop *loop;
    struct server *server;
    struct server_settings settings;
    struct seen seen[SEEN_MAX];
    int count;
    int refusals;
    enum err refused;
    int drained;
    /* Hooks; NULL: nothing, but on_end then answers. */
    void (*on_head)(struct seen *seen);
    void (*on_body)(struct seen *seen);
    void (*on_end)(struct seen *seen);
    void (*on_body_error)(struct seen *seen);
    void (*on_drain)(struct seen *seen);
    void (*on_half_close)(struct seen *seen);
    void (*on_sent)(struct seen *seen);
};

static inline int64_t test_now_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

static inline void reply_text(struct conn *conn, int status, const char *text)
{
    struct buf body;
    const struct header type = {SPAN("Content-Type"), SPAN("text/plain")};
    buf_init(&body, 64 * 1024 * 1024, 512);
    buf_append(&body, span_from_string(text));
    conn_reply(conn, status, &type, 1, &body);
    assert_true(span_equal(buf_span(&body), span_from_string(text)));
    buf_fini(&body);
}

static inline void echo(struct seen *seen)
{
    struct buf text;
    buf_init(&text, 64 * 1024 * 1024, 512);
    buf_printf(&text, "%s %s ", seen->method, seen->target);
    buf_append(&text, buf_span(&seen->body));
    conn_reply(seen->conn, 200, NULL, 0, &text);
    buf_fini(&text);
}

static inline void hold_reply(struct seen *seen)
{
    (void)seen;
}

static inline void copy_text(char *out, size_t size, struct span s)
{
    snprintf(out, size, "%.*s", SPAN_ARG(s));
}

static inline void *service_on_head(void *context, struct conn *conn,
                                    const struct request_head *head)
{
    struct service *service = context;
    assert_true(service->count < SEEN_MAX);
    struct seen *seen = &service->seen[service->count++];
    seen->service = service;
    seen->conn = conn;
    seen->content_length = head->content_length;
    copy_text(seen->method, sizeof(seen->method), head->method);
    copy_text(seen->target, sizeof(seen->target), head->target);
    buf_init(&seen->body, SIZE_MAX / 2, 0);
    if (service->on_head != NULL)
        service->on_head(seen);
    return seen;
}

static inline void check_alive(const struct seen *seen)
{
    assert_int_equal(seen->gone + seen->sent, 0);
}

static inline void service_on_body(void *exchange, struct span bytes)
{
    struct seen *seen = exchange;
    check_alive(seen);
    assert_int_equal(seen->ends, 0);
    buf_append(&seen->body, bytes);
    if (seen->service->on_body != NULL)
        seen->service->on_body(seen);
}

static inline void service_on_body_end(void *exchange)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->ends++;
    (seen->service->on_end != NULL ? seen->service->on_end : echo)(seen);
}

static inline void service_on_body_error(void *exchange, enum err err)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->body_errors++;
    seen->body_error = err;
    if (seen->service->on_body_error != NULL)
        seen->service->on_body_error(seen);
}

static inline void service_on_drain(void *exchange)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->drains++;
    if (seen->service->on_drain != NULL)
        seen->service->on_drain(seen);
}

static inline void service_on_half_close(void *exchange)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->half_closes++;
    if (seen->service->on_half_close != NULL)
        seen->service->on_half_close(seen);
}

static inline void service_on_gone(void *exchange)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->gone++;
}

static inline void service_on_sent(void *exchange)
{
    struct seen *seen = exchange;
    check_alive(seen);
    seen->sent++;
    if (seen->service->on_sent != NULL)
        seen->service->on_sent(seen);
}

static inline void service_on_refused(void *context, enum err err)
{
    struct service *service = context;
    service->refusals++;
    service->refused = err;
}

static const struct server_handler service_handler = {
    .on_head = service_on_head,
    .on_body = service_on_body,
    .on_body_end = service_on_body_end,
    .on_body_error = service_on_body_error,
    .on_drain = service_on_drain,
    .on_half_close = service_on_half_close,
    .on_gone = service_on_gone,
    .on_sent = service_on_sent,
    .on_refused = service_on_refused,
};

static const struct server_settings service_settings = {
    .head_timeout_ms = 5000,
    .body_timeout_ms = 5000,
    .idle_timeout_ms = 5000,
    .send_timeout_ms = 5000,
    .max_connections = 100,
    .queue_high = 256 * 1024,
    .queue_low = 64 * 1024,
};

/* `change` may set settings and hooks before the server listens; NULL: as they are. */
static inline void service_init_with(struct service *service, void (*change)(struct service *))
{
    const char *error = NULL;
    *service = (struct service){.settings = service_settings};
    if (change != NULL)
        change(service);
    service->loop = loop_new();
    service->server = server_listen(service->loop, "127.0.0.1:0", false, &service->settings,
                                    &service_handler, service, &error);
    assert_non_null(service->server);
}

static inline void service_init(struct service *service)
{
    service_init_with(service, NULL);
}

static inline void service_fini(struct service *service)
{
    server_free(&service->server);
    assert_null(service->server);
    for (int i = 0; i < service->count; i++) {
        assert_int_equal(service->seen[i].sent + service->seen[i].gone, 1);
        buf_fini(&service->seen[i].body);
    }
    loop_free(&service->loop);
}

static inline struct raw_client *service_connect(struct service *service)
{
    return raw_client_connect(service->loop, server_port(service->server));
}

/* ---- waiting ---- */

static inline bool is_positive(void *counter)
{
    return *(int *)counter > 0;
}

/* Until one of the counters of a seen or a service is no longer 0. */
static inline void await(struct service *service, int *counter, const char *what)
{
    raw_run_until(service->loop, is_positive, counter, what);
}

struct server_size {
    const struct server *server;
    size_t connections;
};

static inline bool has_shrunk(void *argument)
{
    const struct server_size *size = argument;
    return server_connections(size->server) <= size->connections;
}

static inline void await_connections(struct loop *loop, const struct server *server, size_t most)
{
    struct server_size size = {server, most};
    raw_run_until(loop, has_shrunk, &size, "connections to close");
}

/* At once, that is: not because a timeout of a second or more has struck. */
static inline void expect_end_soon(struct raw_client *client)
{
    int64_t start_ms = test_now_ms();
    raw_client_read_to_end(client);
    assert_true(test_now_ms() - start_ms < 800);
}

static inline void await_no_connections(struct service *service)
{
    await_connections(service->loop, service->server, 0);
}

/* ---- replies ---- */

static inline void expect_text(struct span got, const char *wanted)
{
    if (!span_equal(got, span_from_string(wanted)))
        fail_msg("got \"%.*s\", wanted \"%s\"", SPAN_ARG(got), wanted);
}

static inline void expect_reply(struct raw_client *client, int status, const char *body)
{
    struct raw_reply reply;
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_int_equal(reply.status, status);
    if (body != NULL)
        expect_text(buf_span(&reply.body), body);
    raw_reply_fini(&reply);
}

/* The error body that net writes by itself, then the end of the connection without a reset. */
static inline void expect_refusal(struct raw_client *client, enum err err)
{
    struct raw_reply reply;
    char wanted[512];
    const struct err_info *info = err_info(err);
    snprintf(wanted, sizeof(wanted),
             "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}",
             info->sentence, info->type, info->code);
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, info->status);
    expect_text(buf_span(&reply.body), wanted);
    expect_text(raw_reply_field(&reply, SPAN("connection")), "close");
    expect_text(raw_reply_field(&reply, SPAN("content-type")), "application/json");
    raw_reply_fini(&reply);
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    assert_false(raw_client_was_reset(client));
}

#endif
