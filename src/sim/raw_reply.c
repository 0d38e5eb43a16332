/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that lie, or say nothing, about the body that follows. Written by hand: the server's own
 * writer would tell the truth. */
#include "raw.h"

#include "wire/reply_writer.h"

#define LONG_BY 100 /* bytes promised that never come */

static void write_field(struct span name, struct span value, struct buf *out)
{
    if (value.len == 0)
        return;
    buf_append(out, name);
    buf_append(out, SPAN(": "));
    buf_append(out, value);
    buf_append(out, SPAN("\r\n"));
}

static void write_length(size_t length, struct buf *out)
{
    char digits[SPAN_U64_SIZE];
    write_field(SPAN("Content-Length"), span_from_u64(length, digits), out);
}

static void write_head(enum framing framing, int status, const struct reply_fields *fields,
                       size_t length, struct buf *out)
{
    buf_append(out, SPAN("HTTP/1.1 "));
    buf_append_u64(out, (uint64_t)status);
    buf_append(out, SPAN(" Hostile\r\n"));
    write_field(SPAN("Content-Type"), fields->media_type, out);
    write_field(SPAN("Retry-After"), fields->retry_after, out);
    write_field(SPAN("Location"), fields->location, out);
    if (framing == FRAMING_BYTEWISE)
        write_field(SPAN("Transfer-Encoding"), SPAN("chunked"), out);
    if (framing == FRAMING_SHORT)
        write_length(length / 2, out);
    if (framing == FRAMING_LONG)
        write_length(length + LONG_BY, out);
    write_field(SPAN("Connection"), SPAN("close"), out);
    buf_append(out, SPAN("\r\n"));
}

void raw_write_reply(enum framing framing, int status, const struct reply_fields *fields,
                     struct span body, bool complete, struct buf *out)
{
    write_head(framing, status, fields, body.len, out);
    if (framing != FRAMING_BYTEWISE) {
        buf_append(out, body);
        return;
    }
    /* A chunk for each byte: however the network puts the packets together again, the reader of the
     * body gets single bytes. */
    for (size_t i = 0; i < body.len; i++)
        reply_write_chunk(out, span_make(body.ptr + i, 1));
    if (complete)
        reply_write_last_chunk(out);
}
