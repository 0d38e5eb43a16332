/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads server-sent events (WHATWG HTML, section 9.2) off a byte stream: LF, CR and CRLF, a BOM at
 * the start, comments, several data lines. Every byte fed belongs to the `raw` of exactly one
 * event, so that a relay can pass on what it read untouched. An event that lies whole in one input
 * is handed out in place; only a split one is copied. Memory is bounded by the ceiling.
 *
 * An event that ends with CR is handed out at once. Should an LF follow in the next input, it comes
 * as an event of its own without data, like any lone blank line.
 */
#ifndef WIRE_SSE_READER_H
#define WIRE_SSE_READER_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>

/* Borrowed: valid during the callback. */
struct sse_event {
    struct span raw;  /* the bytes as they came, the ending blank line included */
    struct span name; /* of `event:`, or empty */
    struct span data; /* of `data:`, several joined by LF */
    struct span id;   /* of `id:` in this event, or empty */
    bool has_data;    /* false: a comment, a lone blank line or an event without data */
    bool complete;    /* false: the stream ended before the blank line */
};

struct sse_reader {
    struct buf pending; /* the beginning of an event that is not whole yet */
    struct buf joined;  /* several data lines */
    bool started;       /* a BOM can no longer come */
    bool bom;           /* the event to come begins with one */
    bool in_line;       /* the last line of pending has bytes and no end */
    bool after_cr;      /* an LF now belongs to the line ended by CR */
};

/* `ceiling`: most bytes of one event. */
void sse_reader_init(struct sse_reader *reader, size_t ceiling);
void sse_reader_fini(struct sse_reader *reader);

/* Calls on_event for each event that is complete. False when an event passes the ceiling; the
 * reader is of no further use then. When on_event returns false the rest of `bytes` is dropped and
 * feed returns true. on_event must not end the reader. */
bool sse_reader_feed(struct sse_reader *reader, struct span bytes,
                     bool (*on_event)(void *argument, const struct sse_event *event),
                     void *argument);
/* At the end of the stream: hands out what is left, as an event with complete = false. */
void sse_reader_end(struct sse_reader *reader,
                    bool (*on_event)(void *argument, const struct sse_event *event),
                    void *argument);

#endif
