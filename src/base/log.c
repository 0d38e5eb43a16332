/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operational log. A line is built on the stack and goes out in one write(), so that lines of
 * several threads never mix. Whatever came from outside into a message cannot forge a line or steer
 * a terminal: control characters become '?'.
 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 2048

static enum log_level lowest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    lowest = level;
}

/* U+0080 to U+009F are control characters too; UTF-8 writes them C2 80 to C2 9F. */
static void replace_controls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f) {
            text[i] = '?';
        } else if (byte == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80) {
            text[i] = text[i + 1] = '?';
        }
    }
}

/* "TIME level " at the start of the line; returns its length. */
static size_t write_prefix(char *line, enum log_level level)
{
    static const char *const names[] = {
        [LOG_LEVEL_DEBUG] = " debug ",
        [LOG_LEVEL_INFO] = " info ",
        [LOG_LEVEL_WARN] = " warn ",
        [LOG_LEVEL_ERROR] = " error ",
    };
    clock_rfc3339(clock_wall_ns(), line);
    return (size_t)(stpcpy(line + CLOCK_RFC3339_SIZE - 1, names[level]) - line);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level < lowest)
        return;
    int saved_errno = errno; /* a caller may log before it looks at it */
    char line[LINE_SIZE];
    size_t start = write_prefix(line, level);
    size_t room = sizeof(line) - start - 1; /* one byte is the line feed's */

    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line + start, room, format, arguments);
    va_end(arguments);

    size_t end = start + (len > 0 ? (size_t)len : 0);
    if (len > 0 && (size_t)len >= room) {
        end = sizeof(line) - 2;
        memcpy(line + end - 3, "...", 3);
    }
    replace_controls(line + start, end - start);
    line[end++] = '\n';
    /* A full or closed stderr loses the line: nobody is left to tell. */
    while (write(STDERR_FILENO, line, end) < 0 && errno == EINTR)
        continue;
    errno = saved_errno;
}
