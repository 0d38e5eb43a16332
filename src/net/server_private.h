/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server as its own files see it. Who does what:
 *
 *   server.c      birth, drain, death; the end of a turn
 *   listener.c    the listening socket, accepting
 *   conn.c        a connection's life: the one setter of its state
 *   conn_read.c   bytes in, pipelining, end of file
 *   conn_write.c  the reply: the functions of net/server.h, the queue, the flush
 *   conn_tls.c    between a connection's bytes and its TLS stream
 *   tls.c         TLS itself, which knows no connections: net/tls.h, tls_stream.h
 *   refuse.c      the answers that net gives by itself
 *   date.c        the Date field of every reply
 *   sweep.c       the coarse timer: deadlines, and clients that went silently
 */
#ifndef NET_SERVER_PRIVATE_H
#define NET_SERVER_PRIVATE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/poll.h"
#include "loop/timer.h"
#include "net/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READ_BYTES  ((size_t)64 * 1024) /* one read, and what is kept of pipelined requests */
#define PLAIN_BYTES ((size_t)16 * 1024) /* of one TLS record */
#define NO_DEADLINE INT64_MAX

struct sockaddr_storage;
struct tls_context;

struct listener {
    struct poller *poller;
    int fd; /* -1: closed */
    uint16_t port;
    bool starved; /* out of descriptors: the sweep accepts again */
};

struct server {
    struct loop *loop;
    struct server_settings settings;
    struct server_handler handler;
    void *context;
    struct tls_context *tls; /* of new connections; NULL: plain */
    struct listener listener;

    struct list conns;
    size_t count;   /* of conns */
    size_t refused; /* of those: only there to be told 503 */

    struct list touched;  /* conns with something to do at the end of the turn */
    struct deferred turn; /* runs through them */

    struct timer *timer;
    int64_t period_ms;        /* of the timer; 0: stopped */
    int64_t next_deadline_ms; /* no deadline of any conn is before this */
    struct list watched;      /* conns that owe a reply and are not read */

    void (*drained)(void *context);
    bool draining;
    bool close_idle; /* asked of the next turn */

    char date[CLOCK_HTTP_DATE_SIZE]; /* of the second that ends at date_until_ms of the loop */
    int64_t date_until_ms;

    struct buf scratch; /* heads and chunks on their way into a queue */
    char read_buffer[READ_BYTES];
    char plain_buffer[PLAIN_BYTES];
};

/* ---- listener.c ---- */

/* 0 or a negative errno; *error then says it in words. */
int listener_open(struct server *server, const char *address, bool reuse_port, const char **error);
/* Takes what the kernel has accepted, some at a time. */
void listener_accept(struct server *server);
/* Takes all that the kernel has accepted, and closes. */
void listener_finish(struct server *server);
void listener_close(struct server *server);

/* ---- sweep.c ---- */

/* Starts, stops or quickens the timer as conns, watched and the listener require. */
void sweep_arrange(struct server *server);
void sweep_fire(void *argument);

/* ---- date.c ---- */

/* The Date field's value now, formatted once a second. Valid until the next call. */
struct span server_date(struct server *server);

/* ---- refuse.c ---- */

/* {"error":{...}} in OpenAI's shape. */
void refuse_write_body(struct buf *out, enum err err);

#endif
