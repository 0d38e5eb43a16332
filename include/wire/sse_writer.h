/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Writes server-sent events. */
#ifndef WIRE_SSE_WRITER_H
#define WIRE_SSE_WRITER_H

#include "base/buf.h"

/* "event: NAME" when given, one "data:" line for each line of `data`, and the blank line. */
void sse_write_event(struct buf *out, struct span name, struct span data);
/* ": TEXT" and a blank line: a heartbeat that no client sees. */
void sse_write_comment(struct buf *out, struct span text);

#endif
