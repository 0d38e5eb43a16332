/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends the contents; `out`'s ceiling is the limit. False with *why, static or strerror text. */
bool file_read(const char *path, struct buf *out, const char **why);

#endif
