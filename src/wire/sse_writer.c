/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events out. A line break inside a text starts a new line with the same prefix, so no
 * text can begin a field or end an event that it was not meant to.
 */
#include "wire/sse_writer.h"

/* One line `prefix` + text for each line of `text`; LF, CR and CRLF end lines. */
static void write_lines(struct buf *out, struct span prefix, struct span text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
            continue;
        buf_append(out, prefix);
        buf_append(out, span_make(text.ptr + from, i - from));
        buf_append_byte(out, '\n');
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            i++;
        from = i + 1;
    }
    buf_append(out, prefix);
    buf_append(out, span_from(text, from));
    buf_append_byte(out, '\n');
}

void sse_write_event(struct buf *out, struct span name, struct span data)
{
    if (name.len > 0)
        write_lines(out, SPAN("event: "), name);
    write_lines(out, SPAN("data: "), data);
    buf_append_byte(out, '\n');
}

void sse_write_comment(struct buf *out, struct span text)
{
    write_lines(out, SPAN(": "), text);
    buf_append_byte(out, '\n');
}
