/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Birth, drain and death of a server, and the end of a turn: one deferred run serves every
 * connection that was touched. Only there, and in server_free(), are connections closed that are
 * not the one whose event is handled, so that walks over the lists stay valid.
 */
#include "base/assert.h"
#include "base/memory.h"
#include "conn.h"
#include "net/tls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A connection that the kernel had accepted when draining began, and that said nothing yet. */
#define DRAIN_GRACE_MS 1000

/* ---- the end of a turn ---- */

/* The list is taken away first: what is touched meanwhile has its turn in the next pass, so that a
 * client's pipelined requests cannot keep us here. */
static void advance_touched(struct server *server)
{
    struct list batch;
    list_append(&server->touched, &batch);
    list_remove(&server->touched);
    while (!list_empty(&batch)) {
        struct conn *conn = LIST_ITEM(batch.next, struct conn, touched_link);
        list_remove(&conn->touched_link);
        conn_advance(conn);
    }
}

/* A request may be in the socket already: it is better answered than reset. */
static bool has_unread(const struct conn *conn)
{
    char byte;
    uv_os_fd_t fd;
    return uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0 &&
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void close_idle(struct server *server)
{
    int64_t grace_ms = loop_now_ms(server->loop) + DRAIN_GRACE_MS;
    /* None of these has an exchange, so no callback runs that could disturb the walk. */
    LIST_FOR_EACH (link, &server->conns) {
        struct conn *conn = LIST_ITEM(link, struct conn, link);
        if (conn->state != CONN_HEAD || !request_reader_idle(conn->reader))
            continue;
        if (!conn->head_begun && !has_unread(conn)) {
            conn_close(conn);
        } else if (conn->read_deadline_ms > grace_ms) {
            conn_set_read_deadline(conn, grace_ms);
        }
    }
}

static void on_turn(struct deferred *turn)
{
    struct server *server = LIST_ITEM(turn, struct server, turn);
    advance_touched(server);
    if (server->close_idle) {
        server->close_idle = false;
        close_idle(server);
    }
    if (server->draining && server->count == 0 && server->drained != NULL) {
        void (*drained)(void *context) = server->drained;
        server->drained = NULL;
        drained(server->context); /* may free the server */
    }
}

/* ---- birth and death ---- */

static struct server *server_new(struct loop *loop, const struct server_settings *settings,
                                 const struct server_handler *handler, void *context)
{
    struct server *server = MEMORY_NEW(struct server);
    server->loop = loop;
    server->settings = *settings;
    server->handler = *handler;
    server->context = context;
    server->listener.fd = -1;
    server->next_deadline_ms = NO_DEADLINE;
    list_init(&server->conns);
    list_init(&server->touched);
    list_init(&server->watched);
    deferred_init(&server->turn, on_turn);
    server->timer = timer_new(loop, sweep_fire, server);
    buf_init(&server->scratch, SIZE_MAX / 2, 0);
    return server;
}

struct server *server_listen(struct loop *loop, const char *address, bool reuse_port,
                             const struct server_settings *settings,
                             const struct server_handler *handler, void *context,
                             const char **error)
{
    signal(SIGPIPE, SIG_IGN); /* libuv's writes raise it when a client has gone */
    struct server *server = server_new(loop, settings, handler, context);
    if (listener_open(server, address, reuse_port, error) != 0)
        server_free(&server);
    return server;
}

void server_free(struct server **address)
{
    struct server *server = *address;
    *address = NULL;
    if (server == NULL)
        return;
    server->draining = true; /* a callback that looks: nothing new begins here */
    listener_close(server);
    while (!list_empty(&server->conns))
        conn_close(LIST_ITEM(server->conns.next, struct conn, link));
    poller_free(&server->listener.poller);
    timer_free(&server->timer);
    deferred_cancel(&server->turn);
    tls_context_unref(&server->tls);
    buf_fini(&server->scratch);
    free(server);
}

/* ---- the rest of the contract ---- */

uint16_t server_port(const struct server *server)
{
    return server->listener.port;
}

void server_set(struct server *server, const struct server_settings *settings)
{
    server->settings = *settings;
}

void server_set_tls(struct server *server, struct tls_context *context)
{
    struct tls_context *old = server->tls;
    server->tls = context != NULL ? tls_context_ref(context) : NULL;
    tls_context_unref(&old);
}

void server_drain(struct server *server, void (*drained)(void *context))
{
    ASSERT(!server->draining);
    server->draining = true;
    server->close_idle = true; /* in the turn: a handler's function may be what called us */
    server->drained = drained;
    listener_finish(server);
    loop_defer(server->loop, &server->turn);
}

size_t server_connections(const struct server *server)
{
    return server->count;
}
