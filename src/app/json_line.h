/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON string, as `weir tokens --lines` takes them. Not wire/json's strict pass: what counts
 * tokens takes all that a tokenizer takes, so NUL is a character here, an escape that is half of a
 * surrogate pair is U+FFFD (as in tiktoken), and bytes that are no UTF-8 are the tokenizer's to
 * replace. Pure.
 */
#ifndef APP_JSON_LINE_H
#define APP_JSON_LINE_H

#include "base/span.h"

/* The contents of the string that `line` is, spaces around it aside. They go to `out`, which has
 * room for line.len bytes; *decoded points there. NULL, or what is wrong (static) at *offset. */
const char *json_line_decode(struct span line, char *out, struct span *decoded, size_t *offset);

#endif
