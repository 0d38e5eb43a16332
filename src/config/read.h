/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to a tree. Refused here, with line and column: text that is not YAML, more than one
 * document, tags, duplicate keys, unknown anchors, depth over READ_MAX_DEPTH, and trees that
 * aliases make larger than READ_MAX_NODES.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "base/arena.h"
#include "node.h"
#include "report.h"

#define READ_MAX_BYTES ((size_t)8 << 20)
#define READ_MAX_NODES ((size_t)1000000)
#define READ_MAX_DEPTH 32

/* The root, in the arena. NULL after reporting; a tree may come with problems as well. */
struct node *read_file(const char *path, struct arena *arena, struct report *report);

#endif
