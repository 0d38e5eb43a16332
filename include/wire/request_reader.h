/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads HTTP/1.1 requests off a byte stream, through llhttp in strict mode, with caps on all that
 * it keeps. It stops after each message, so that the caller decides when a pipelined one is read.
 * What llhttp lets through and the RFCs do not (obs-fold, several Host fields …) is refused here,
 * and so is what the RFCs leave open and no client of an API needs: lenient request lines, CONNECT,
 * two Content-Type fields, framing or routing fields in trailers. An Upgrade field is a field like
 * any other. One connection's thread.
 */
#ifndef WIRE_REQUEST_READER_H
#define WIRE_REQUEST_READER_H

#include "base/err.h"
#include "base/span.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX_TARGET  8192        /* bytes of the request target: 414 beyond */
#define REQUEST_MAX_HEAD    (32 * 1024) /* bytes of all names and values: 431 beyond */
#define REQUEST_MAX_HEADERS 100         /* fields: 431 beyond */

/* Borrowed: valid during on_head only. */
struct request_head {
    struct span method; /* static text */
    struct span target; /* as sent: "/v1/models?x=1"; origin or absolute form, or "*" for OPTIONS */
    struct headers headers;
    int64_t content_length; /* -1: chunked; 0: no body */
    uint8_t minor_version;  /* 1, or 0: that client cannot read a chunked answer */
    bool keep_alive;        /* never for HTTP/1.0 */
    bool expects_continue;  /* and has a body to come */
};

/* None of them may free the reader or feed it. */
struct request_events {
    /* False stops the reader: nothing further is read, and all that is fed is consumed unseen (the
     * caller closes after its answer). */
    bool (*on_head)(void *argument, const struct request_head *head);
    void (*on_body)(void *argument, struct span bytes);
    void (*on_end)(void *argument);
};

struct request_reader;

/* `events` must outlive the reader. */
struct request_reader *request_reader_new(const struct request_events *events, void *argument);
void request_reader_free(struct request_reader **reader);

/* Consumes up to the end of one message; *consumed says how much. ERR_NONE, or what is wrong with
 * the bytes (MALFORMED_HTTP, URI_TOO_LONG, HEADERS_TOO_LARGE, EXPECTATION): then the connection
 * must be closed after the answer, and every later call says the same. After on_end the next call
 * begins the next message; what follows a message without keep_alive is consumed unseen. */
enum err request_reader_feed(struct request_reader *reader, struct span bytes, size_t *consumed);

/* True between messages: nothing of a next one has come, but perhaps one empty line. */
bool request_reader_idle(const struct request_reader *reader);
/* True once the head is complete and until the message ends. */
bool request_reader_in_body(const struct request_reader *reader);
/* Gives back buffers that a large head has grown; for connections that go idle. */
void request_reader_trim(struct request_reader *reader);

#endif
