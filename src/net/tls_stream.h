/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's TLS, between bytes in memory: it knows no sockets. What is for the client,
 * handshake and alerts included, is appended to a queue in the order in which it must leave.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "base/bufq.h"
#include "net/tls.h"

#include <stdbool.h>
#include <stddef.h>

/* The most that may come out of bytes that went in earlier: a record, waiting for its end. */
#define TLS_RECORD_BYTES ((size_t)18 * 1024)

enum tls_event {
    TLS_MORE,   /* nothing until more comes; all the input is taken */
    TLS_BYTES,  /* plain bytes: ask again */
    TLS_END,    /* close_notify: the client sends no more, and may still read */
    TLS_PLAIN,  /* this is no TLS but, from its first byte on, HTTP; nothing is taken */
    TLS_FAILED, /* no more can be had; an alert may be in the queue */
};

struct tls_stream;

/* NULL without memory. `out` is borrowed and outlives the stream. */
struct tls_stream *tls_stream_new(struct tls_context *context, struct bufq *out);
/* Sends nothing. Accepts a NULL stream. */
void tls_stream_free(struct tls_stream **address);

/* Takes ciphertext from the front of *input, and writes up to `size` plain bytes to `plain`. To be
 * called until it does not return TLS_BYTES. */
enum tls_event tls_stream_read(struct tls_stream *stream, struct span *input, char *plain,
                               size_t size, size_t *len);
/* The handshake is complete. Only then are plain bytes written. */
bool tls_stream_ready(const struct tls_stream *stream);
/* False when the queue is full, or the stream has ended or failed. */
bool tls_stream_write(struct tls_stream *stream, struct span plain);
/* Queues close_notify, after which nothing is written any more. Does nothing the second time, and
 * where there is no stream to end. */
void tls_stream_end(struct tls_stream *stream);

#endif
