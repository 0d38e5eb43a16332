/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Writes HTTP/1.1 replies into a buffer. Fields that are not safe (field_safe) are left out. */
#ifndef WIRE_REPLY_WRITER_H
#define WIRE_REPLY_WRITER_H

#include "base/buf.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stdint.h>

enum reply_framing {
    REPLY_LENGTH,  /* Content-Length: content_length */
    REPLY_CHUNKED, /* Transfer-Encoding: chunked */
    REPLY_NO_BODY, /* neither: 1xx, 204, 304, and bodies to HTTP/1.0 that end with the connection */
};

/* Status line, "Date: `date`" (empty: none, as in 1xx), the fields, the framing field, "Connection:
 * close" unless keep_alive, blank line. A field that is not safe is left out, and a status outside
 * 100..999 becomes 502: no reply can be split or unreadable, even where a caller passed on what it
 * should have checked. */
void reply_write_head(struct buf *out, int status, struct span date, const struct header *fields,
                      size_t count, enum reply_framing framing, uint64_t content_length,
                      bool keep_alive);
void reply_write_continue(struct buf *out);
/* One chunk with its framing; an empty span writes nothing (it would end the body). */
void reply_write_chunk(struct buf *out, struct span bytes);
void reply_write_last_chunk(struct buf *out);

/* "Not Found"; "Unknown" for codes nobody registered. */
const char *status_reason(int status);

#endif
