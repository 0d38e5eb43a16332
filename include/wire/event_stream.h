/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the binary frames of Amazon's event streams (application/vnd.amazon.eventstream), by which
 * Bedrock streams answers, off a byte stream:
 *
 *   | u32 total | u32 headers | u32 CRC of these 8 | headers | payload | u32 CRC of all before |
 *
 * Both checksums are checked, the first before any length in it is believed. A frame that lies whole
 * in one input is handed out in place; only a split one is copied. Memory is bounded by the ceiling.
 */
#ifndef WIRE_EVENT_STREAM_H
#define WIRE_EVENT_STREAM_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>

/* Borrowed: valid during the callback. Each is empty where the frame has no such header. */
struct event_frame {
    struct span raw;            /* the bytes as they came */
    struct span message_type;   /* "event", "exception" or "error" */
    struct span event_type;     /* of an event: "contentBlockDelta", "metadata" … */
    struct span exception_type; /* of an exception: "throttlingException" … */
    struct span error_code;     /* of an error, as is the next */
    struct span error_message;
    struct span payload; /* JSON, in Bedrock's streams */
};

enum event_stream_fault {
    EVENT_STREAM_FINE,
    EVENT_STREAM_TOO_LARGE,    /* a frame over the ceiling */
    EVENT_STREAM_BAD_CHECKSUM, /* also what is no event stream at all */
    EVENT_STREAM_MALFORMED,    /* lengths that contradict each other, headers that are none */
};

struct event_stream {
    struct buf pending; /* the beginning of a frame that is not whole yet */
    enum event_stream_fault fault;
};

/* `ceiling`: most bytes of one frame, at least 16. */
void event_stream_init(struct event_stream *stream, size_t ceiling);
void event_stream_fini(struct event_stream *stream);

/* Calls on_frame for each frame that is whole and right. After a fault, which is returned again by
 * every later call, nothing is handed out any more. When on_frame returns false the rest of `bytes`
 * is dropped. on_frame must not end the stream. */
enum event_stream_fault event_stream_feed(struct event_stream *stream, struct span bytes,
                                          bool (*on_frame)(void *argument,
                                                           const struct event_frame *frame),
                                          void *argument);
/* Whether the bytes so far end with a whole frame. */
bool event_stream_is_whole(const struct event_stream *stream);

#endif
