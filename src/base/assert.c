/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a process whose own invariant broke: the text goes out in one write from the stack, as
 * the heap may be what is broken.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void assert_failed(const char *text, const char *file, int line)
{
    char message[512];
    int len =
        snprintf(message, sizeof(message), "assertion failed: %s at %s:%d\n", text, file, line);
    if (len >= (int)sizeof(message))
        len = (int)sizeof(message) - 1;
    /* Nothing is left to do about a write that fails. */
    if (len > 0 && write(STDERR_FILENO, message, (size_t)len) < 0)
        abort();
    abort();
}
