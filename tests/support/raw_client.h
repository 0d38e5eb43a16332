/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that sends and receives bytes as they are, over one TCP connection to 127.0.0.1. It never
 * blocks: where it waits it turns the loop that serves the other side, and fails the test when what
 * it waits for has not come within RAW_DEADLINE_MS.
 */
#ifndef SUPPORT_RAW_CLIENT_H
#define SUPPORT_RAW_CLIENT_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_DEADLINE_MS 10000

struct loop;
struct raw_client;

/* Turns the loop until done(argument). Fails the test, naming `what`, at the deadline. */
void raw_run_until(struct loop *loop, bool (*done)(void *argument), void *argument,
                   const char *what);
/* Turns the loop for so long: for showing that nothing happens. */
void raw_run_for(struct loop *loop, int64_t duration_ms);

struct raw_client *raw_client_connect(struct loop *loop, uint16_t port);
/* With a small SO_RCVBUF: a few KiB not read by us make the sender wait. */
struct raw_client *raw_client_connect_slow(struct loop *loop, uint16_t port);
/* Closes it. Accepts NULL. */
void raw_client_free(struct raw_client **client);

/* All of it; turns the loop while the socket is full. */
void raw_client_send(struct raw_client *client, struct span bytes);
void raw_client_send_text(struct raw_client *client, const char *text);
/* One byte a turn of the loop. */
void raw_client_send_bytewise(struct raw_client *client, struct span bytes);
/* What the kernel takes now; 0 when it is full or the connection broken. */
size_t raw_client_try_send(struct raw_client *client, struct span bytes);

/* FIN: we send no more and may still read. */
void raw_client_shut(struct raw_client *client);
/* FIN in both directions, what is unread is lost; the other side's next bytes are answered by RST. */
void raw_client_close(struct raw_client *client);
/* RST. */
void raw_client_reset(struct raw_client *client);

/* What has come and was not taken yet. Valid until the next call. */
struct span raw_client_received(const struct raw_client *client);
/* The other side has sent FIN or RST, and everything before it was received. */
bool raw_client_ended(const struct raw_client *client);
bool raw_client_was_reset(const struct raw_client *client);

/* Receives what is there, or at most `size` bytes of it; no turn of the loop. */
void raw_client_poll(struct raw_client *client);
void raw_client_poll_some(struct raw_client *client, size_t size);
/* Turns the loop until `text` has come, or `size` bytes, or the connection has ended. */
void raw_client_read_until(struct raw_client *client, const char *text);
void raw_client_read_bytes(struct raw_client *client, size_t size);
void raw_client_read_to_end(struct raw_client *client);
/* Drops the first `size` received bytes. */
void raw_client_consume(struct raw_client *client, size_t size);

/* ---- replies ---- */

struct raw_reply {
    int status;
    struct buf head; /* status line and fields, without the blank line */
    struct buf body; /* without its framing */
    bool complete;   /* false: the connection ended before the reply did */
    bool chunked;
};

/* Reads one reply, 1xx included, and takes it off the received bytes. `to_head`: of a HEAD request,
 * which has no body. A reply until close is complete when the connection ends without reset. */
void raw_client_read_reply(struct raw_client *client, bool to_head, struct raw_reply *out);
void raw_reply_fini(struct raw_reply *reply);
/* The value of a field, or the empty span. Name in any case. */
struct span raw_reply_field(const struct raw_reply *reply, struct span name);

#endif
