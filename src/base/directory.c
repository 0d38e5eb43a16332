/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* opendir() in two steps. */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

DIR *directory_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL && fd >= 0) {
        int reason = errno;
        close(fd);
        errno = reason;
    }
    return directory;
}
