/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to the bytes of a file before the YAML parser sees them. Pure.
 *
 * In a flow mapping YAML ends a plain scalar at a brace, so `{api_key: ${KEY}}` would be an error.
 * Hence the braces, brackets and commas of references are swapped for private characters, one for
 * one, so that lines and columns stay true, and swapped back in what the parser returns.
 */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "report.h"

#include <stdbool.h>

/* Reports bytes that are not UTF-8, and characters that YAML or the swapping forbids. */
bool text_check(struct span text, struct report *report);
/* Appends `text` (checked) with its references swapped, without a byte order mark. False when
 * `out` is full. */
bool text_guard(struct span text, struct buf *out);
/* Into the arena. */
struct span text_unguard(struct span text, struct arena *arena);

#endif
