/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer: from curl's lines to a list of fields. */
#ifndef UPSTREAM_HEAD_H
#define UPSTREAM_HEAD_H

#include "base/span.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stddef.h>

enum { HEAD_FIELDS = 256, HEAD_BYTES = 64 * 1024 };

/* `lines`: a status line, then "Name: value" lines, each with its line end; no empty line. Fills up
 * to HEAD_FIELDS items that point into `lines`. False when there are more, when a field is
 * malformed, or when two fields disagree on where the answer ends. */
bool head_parse(struct span lines, struct header *items, size_t *count);

/* A token, as field names are; and a value without control bytes. */
bool field_name_ok(struct span name);

#endif
