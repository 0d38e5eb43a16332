/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second opinion on the lines of a head or of trailers, from the raw bytes: where they end, and
 * that each ends with CRLF and begins with no white space, and that the request line is three words
 * with single spaces, the last one HTTP/1.0 or HTTP/1.1. Two parsers must agree on where a head
 * ends before a body is read.
 */
#ifndef WIRE_HEAD_GUARD_H
#define WIRE_HEAD_GUARD_H

#include "base/span.h"

#include <stdbool.h>

enum head_guard_result {
    HEAD_GUARD_MORE, /* all bytes belong to the head; it goes on */
    HEAD_GUARD_END,  /* *taken bytes, the blank line included, end it */
    HEAD_GUARD_BAD,
};

struct head_guard {
    bool request_line; /* in the first line of a head */
    bool in_line;      /* the current line has bytes */
    bool after_cr;
    unsigned spaces; /* of the request line, so far */
    size_t word;     /* bytes since the last of them */
};

/* `trailers`: there is no request line. */
void head_guard_init(struct head_guard *guard, bool trailers);
enum head_guard_result head_guard_take(struct head_guard *guard, struct span bytes, size_t *taken);

#endif
