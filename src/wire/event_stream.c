/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame is collected in two steps: its prelude, 12 bytes, says how long it is; then the rest.
 *
 *   input    [ frame | frame | fra      (whole ones in place)
 *                              '-- pending -- me ]   (copied, because the input ended)
 *
 * Invariants: pending holds less than one frame between calls; no length is used before the prelude's
 * checksum has passed and the length is within the ceiling.
 */
#include "wire/event_stream.h"

#include "base/assert.h"

#include <zlib.h>

#define PRELUDE_SIZE ((size_t)12)
#define CRC_SIZE     ((size_t)4)
#define FRAME_MIN    (PRELUDE_SIZE + CRC_SIZE)

/* Kept for the next frame; more, that a large one has taken, is given back. */
#define MEMORY_KEPT ((size_t)64 * 1024)

static uint32_t read_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Whether the four bytes after `text` are its CRC-32. */
static bool has_checksum(const char *text, size_t len)
{
    return crc32_z(0, (const unsigned char *)text, len) == read_u32(text + len);
}

/* ---- headers ---- */

/* Takes `size` bytes off the front; false when there are not so many. */
static bool take(struct span *rest, size_t size, struct span *taken)
{
    if (rest->len < size)
        return false;
    *taken = span_make(rest->ptr, size);
    *rest = span_from(*rest, size);
    return true;
}

static bool take_sized(struct span *rest, size_t size_bytes, struct span *taken)
{
    struct span size;
    if (!take(rest, size_bytes, &size))
        return false;
    size_t len = 0;
    for (size_t i = 0; i < size_bytes; i++)
        len = len << 8 | (unsigned char)size.ptr[i];
    return take(rest, len, taken);
}

#define TYPE_BYTES  6
#define TYPE_STRING 7

/* The value of a header of that type; what it is matters for strings only. */
static bool take_value(struct span *rest, unsigned type, struct span *value)
{
    /* true, false, i8, i16, i32, i64; bytes and string say their size; timestamp, uuid */
    static const size_t sizes[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
    if (type >= sizeof(sizes) / sizeof(sizes[0]))
        return false;
    if (type == TYPE_BYTES || type == TYPE_STRING)
        return take_sized(rest, 2, value);
    return take(rest, sizes[type], value);
}

static void note_header(struct event_frame *frame, struct span name, struct span value)
{
    if (span_equal(name, SPAN(":message-type")))
        frame->message_type = value;
    else if (span_equal(name, SPAN(":event-type")))
        frame->event_type = value;
    else if (span_equal(name, SPAN(":exception-type")))
        frame->exception_type = value;
    else if (span_equal(name, SPAN(":error-code")))
        frame->error_code = value;
    else if (span_equal(name, SPAN(":error-message")))
        frame->error_message = value;
}

static bool read_headers(struct span rest, struct event_frame *frame)
{
    while (rest.len > 0) {
        struct span name;
        struct span type;
        struct span value;
        if (!take_sized(&rest, 1, &name) || name.len == 0 || !take(&rest, 1, &type) ||
            !take_value(&rest, (unsigned char)type.ptr[0], &value))
            return false;
        if (type.ptr[0] == TYPE_STRING)
            note_header(frame, name, value);
    }
    return true;
}

/* ---- frames ---- */

static enum event_stream_fault read_frame(struct span raw, struct event_frame *frame)
{
    size_t headers = read_u32(raw.ptr + 4);
    if (!has_checksum(raw.ptr, raw.len - CRC_SIZE))
        return EVENT_STREAM_BAD_CHECKSUM;
    *frame = (struct event_frame){.raw = raw};
    if (!read_headers(span_make(raw.ptr + PRELUDE_SIZE, headers), frame))
        return EVENT_STREAM_MALFORMED;
    frame->payload = span_make(raw.ptr + PRELUDE_SIZE + headers, raw.len - FRAME_MIN - headers);
    return EVENT_STREAM_FINE;
}

/* How long the frame is whose first bytes are `bytes`; 0 while that is unknown. */
static enum event_stream_fault frame_size(struct span bytes, size_t ceiling, size_t *size)
{
    *size = 0;
    if (bytes.len < PRELUDE_SIZE)
        return EVENT_STREAM_FINE;
    if (!has_checksum(bytes.ptr, PRELUDE_SIZE - CRC_SIZE))
        return EVENT_STREAM_BAD_CHECKSUM;
    size_t total = read_u32(bytes.ptr);
    size_t headers = read_u32(bytes.ptr + 4);
    if (total < FRAME_MIN || headers > total - FRAME_MIN)
        return EVENT_STREAM_MALFORMED;
    if (total > ceiling)
        return EVENT_STREAM_TOO_LARGE;
    *size = total;
    return EVENT_STREAM_FINE;
}

/* Moves bytes to pending until it holds `size`, or all are moved. */
static void collect(struct event_stream *stream, struct span *bytes, size_t size)
{
    size_t missing = size - buf_len(&stream->pending);
    size_t part = missing < bytes->len ? missing : bytes->len;
    buf_append(&stream->pending, span_make(bytes->ptr, part));
    *bytes = span_from(*bytes, part);
}

/* The next whole frame; SPAN_NONE when it does not end in `bytes`, all of which are pending then, or
 * when the stream is at fault. */
static struct span next_frame(struct event_stream *stream, struct span *bytes)
{
    size_t size;
    size_t ceiling = stream->pending.ceiling;
    if (buf_len(&stream->pending) == 0) {
        stream->fault = frame_size(*bytes, ceiling, &size);
        if (stream->fault != EVENT_STREAM_FINE)
            return SPAN_NONE;
        if (size > 0 && size <= bytes->len) {
            struct span frame = span_make(bytes->ptr, size);
            *bytes = span_from(*bytes, size);
            return frame;
        }
    }
    if (buf_len(&stream->pending) < PRELUDE_SIZE)
        collect(stream, bytes, PRELUDE_SIZE);
    stream->fault = frame_size(buf_span(&stream->pending), ceiling, &size);
    if (size == 0)
        return SPAN_NONE;
    collect(stream, bytes, size);
    return buf_len(&stream->pending) == size ? buf_span(&stream->pending) : SPAN_NONE;
}

void event_stream_init(struct event_stream *stream, size_t ceiling)
{
    ASSERT(ceiling >= FRAME_MIN);
    *stream = (struct event_stream){.fault = EVENT_STREAM_FINE};
    buf_init(&stream->pending, ceiling, 0);
}

void event_stream_fini(struct event_stream *stream)
{
    buf_fini(&stream->pending);
}

enum event_stream_fault
event_stream_feed(struct event_stream *stream, struct span bytes,
                  bool (*on_frame)(void *argument, const struct event_frame *frame), void *argument)
{
    bool more = stream->fault == EVENT_STREAM_FINE;
    while (more && bytes.len > 0) {
        struct event_frame frame;
        struct span raw = next_frame(stream, &bytes);
        if (raw.len == 0)
            break;
        stream->fault = read_frame(raw, &frame);
        more = stream->fault == EVENT_STREAM_FINE && on_frame(argument, &frame);
        if (raw.ptr == buf_span(&stream->pending).ptr)
            buf_reset(&stream->pending, MEMORY_KEPT);
    }
    return stream->fault;
}

bool event_stream_is_whole(const struct event_stream *stream)
{
    return stream->fault == EVENT_STREAM_FINE && buf_len(&stream->pending) == 0;
}
