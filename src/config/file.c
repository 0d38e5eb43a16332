/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file whole. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP ((size_t)4096)

bool file_read(const char *path, struct buf *out, const char **why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        *why = strerror(errno);
        return false;
    }
    char step[STEP];
    size_t got;
    errno = 0;
    do {
        got = fread(step, 1, sizeof(step), file);
        buf_append(out, span_make(step, got));
    } while (got == sizeof(step) && !buf_failed(out));
    *why = ferror(file) ? strerror(errno) : buf_failed(out) ? "the file is too large" : NULL;
    fclose(file);
    return *why == NULL;
}
