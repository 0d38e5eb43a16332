/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Straight from the kernel: no generator state of ours that a fork or a core dump could copy. The
 * callers draw keys and seeds, a few bytes at a time, so the system call does not matter.
 */
#include "crypto/random.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t size)
{
    unsigned char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        /* What is left is a kernel or a sandbox without getrandom: nothing here would be secret. */
        ASSERT(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}
