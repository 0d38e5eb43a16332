/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* References to the environment, and secrets that lie in files. */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/arena.h"
#include "node.h"
#include "report.h"

#include <stdbool.h>

#define EXPANDED_MAX ((size_t)16 << 20) /* bytes, in all scalars of a file */

/* Fills node->text from node->raw: ${NAME} and ${NAME:-default} (also taken when NAME is empty)
 * become plain text, $${ a plain ${. Sets node->bad after reporting. *room is what may still be
 * written. */
void expand_references(struct node *node, struct arena *arena, size_t *room, struct report *report);

/* Whether a scalar says where the secret is (${NAME}, file:PATH), or is the secret. */
bool secret_is_elsewhere(const struct node *node);
/* The path in "file:PATH" as written, relative to `directory` (with its slash, or ""); NULL when
 * the scalar is none. */
const char *secret_path(const struct node *node, const char *directory, struct arena *arena);
/* The file's contents without trailing line ends. False with *why. */
bool secret_read(const char *path, struct arena *arena, struct span *out, const char **why);

#endif
