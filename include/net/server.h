/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 service over TCP, or TLS over it. A server owns a listening socket and its connections; a connection owns
 * one exchange of its handler at a time. Heads that are malformed or late are refused here (400,
 * 408, 414, 431, close) and reported as a counted fact; everything else is the handler's.
 *
 *   connection: HEAD -> BODY -> REPLY -> HEAD (kept alive) | CLOSED
 *               (a reply may end before the body has; then the rest is read and dropped, or the
 *               connection closes after the reply when more than a little would have to be read)
 *
 * What is sent during a turn of the loop leaves in one write at its end. Pipelined requests wait
 * until the reply before them is complete. Loop thread only.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/headers.h"
#include "wire/request_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct loop;
struct server;
struct tls_context;

struct server_settings {
    int64_t head_timeout_ms; /* from the first byte of a head, or the accept, to its end: 408; a TLS
                                handshake is within it, and closed when it is not complete by then */
    int64_t body_timeout_ms; /* without progress of a body: on_body_error. A byte buys 2 ms, so that
                                a trickle is no progress */
    int64_t idle_timeout_ms; /* kept alive without a request: closed quietly */
    int64_t send_timeout_ms; /* without progress towards a slow reader: closed */
    size_t max_connections; /* further ones get 503 (not over TLS) and are closed: a counted fact */
    size_t queue_high;      /* bytes waiting for a slow reader at which conn_congested() is true */
    size_t queue_low;       /* on_drain when they fall below this */
};

struct server_handler {
    /* A head has come. Returns the handler's object for this exchange (never NULL). The head is
     * borrowed for the call. A reply may be begun at once. */
    void *(*on_head)(void *context, struct conn *conn, const struct request_head *head);
    /* Body bytes, borrowed, and the body's end. Not called any more once a reply has ended. */
    void (*on_body)(void *exchange, struct span bytes);
    void (*on_body_end)(void *exchange);
    /* The body made no progress in time, or was malformed half-way (BODY_TIMEOUT, MALFORMED_HTTP):
     * answer it; the connection closes after the reply. Neither on_body nor on_body_end follows. */
    void (*on_body_error)(void *exchange, enum err err);
    /* The queue fell below queue_low after conn_congested() was true. */
    void (*on_drain)(void *exchange);
    /* The client shut its sending side down (with TLS: by close_notify; an end without one is
     * on_gone) while we owe it a reply. It may still read, or be gone:
     * send anything harmless (conn_send_interim, an SSE comment) and the network tells. */
    void (*on_half_close)(void *exchange);
    /* The client is gone before the reply ended, or the connection died. The conn must not be
     * touched any more. */
    void (*on_gone)(void *exchange);
    /* The reply is fully handed to the kernel, or the connection was closed by conn_abort; the
     * exchange owes nothing more and the conn must not be touched any more. Exactly one of on_gone
     * and on_sent comes for each exchange, and never inside a conn_* call. */
    void (*on_sent)(void *exchange);
    /* A head or a connection was refused here. For counting. */
    void (*on_refused)(void *context, enum err err);
};

/* `address` is "127.0.0.1:8080" or "[::1]:0". With reuse_port several servers (one a worker) share
 * it. NULL when it cannot be bound; *error then says why (static or strerror text). From here on the
 * process ignores SIGPIPE. */
struct server *server_listen(struct loop *loop, const char *address, bool reuse_port,
                             const struct server_settings *settings,
                             const struct server_handler *handler, void *context,
                             const char **error);
/* The port in use, when 0 was asked for. */
uint16_t server_port(const struct server *server);
/* For new connections and timeouts from now on. */
void server_set(struct server *server, const struct server_settings *settings);

/* TLS, or with NULL none, for connections accepted from now on; until the first call there is none.
 * Takes a reference of its own. */
void server_set_tls(struct server *server, struct tls_context *context);

/* Stops accepting (what the kernel had already accepted is still taken), closes idle connections,
 * and lets each busy one close after its reply. A connection that has not asked anything yet gets a
 * second to do so. `drained(context)` (may be NULL) once when none is left, never inside this call.
 * To be called once. */
void server_drain(struct server *server, void (*drained)(void *context));
/* Closes every connection at once: busy exchanges get on_gone. Not from inside a handler's function;
 * `drained` may call it. Accepts NULL. */
void server_free(struct server **address);

/* Open ones, also those being refused or waiting for the client to close. */
size_t server_connections(const struct server *server);

/* ---- the reply, for the exchange that on_head returned ----
 * Any of these may be called from inside any function of the handler, on_head included. After an
 * abort, or on a connection that turns out to be dead, they do nothing. */

/* Before a reply: "HTTP/1.1 102 Processing", to HTTP/1.1 clients. Nothing once it has begun. */
void conn_send_interim(struct conn *conn);
/* "100 Continue" when the client waits for it; nothing otherwise. */
void conn_send_continue(struct conn *conn);

/* A whole reply. Like everything else it leaves at the end of the turn, so that the sender's books are
 * closed before the client has read it. `body` (NULL: none) stays the caller's, unchanged, and is not needed
 * after the call. */
void conn_reply(struct conn *conn, int status, const struct header *fields, size_t count,
                struct buf *body);

/* A reply of unknown length: head, then chunks (to an HTTP/1.0 client: bytes until the connection
 * closes), then the end. An empty span sends nothing. Who queues 64 MiB against conn_congested()
 * loses the connection: on_gone. */
void conn_begin(struct conn *conn, int status, const struct header *fields, size_t count);
void conn_send(struct conn *conn, struct span bytes);
void conn_end(struct conn *conn);

/* Ends the connection in the middle of a reply, so that the client sees it broken. on_sent follows
 * at the end of the turn. */
void conn_abort(struct conn *conn);

/* Ends a reply unfinished: what was sent still goes out (within send_timeout_ms), the end mark does not,
 * and the connection closes, so that the client sees it broken. on_sent follows. */
void conn_cut(struct conn *conn);

/* Bytes that wait for the client, and whether the sender should stop for now: from queue_high on
 * until on_drain. With TLS, as they go over the wire. */
size_t conn_queued(const struct conn *conn);
bool conn_congested(const struct conn *conn);

/* No further request is read on this connection after the reply. */
void conn_close_after(struct conn *conn);

/* "127.0.0.1:40312", for logs. Lives as long as the connection. */
const char *conn_peer(const struct conn *conn);

#endif
