/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The generated admin token: made once, kept in a file that only the gateway's user can read. */
#include "admin/admin.h"

#include "base/span.h"
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_token(const char *path, char *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char text[KEY_TEXT_SIZE + 1] = {0};
    ssize_t size = read(fd, text, KEY_TEXT_SIZE);
    close(fd);
    struct span token = span_trim(span_make(text, size > 0 ? (size_t)size : 0));
    if (token.len > 0 && token.ptr[token.len - 1] == '\n')
        token.len--;
    if (token.len != KEY_TEXT_SIZE - 1) {
        errno = EINVAL; /* somebody's file, not ours: it is not overwritten */
        return false;
    }
    memcpy(out, token.ptr, token.len);
    out[token.len] = '\0';
    return true;
}

/* Written aside and renamed: a crash leaves no half of one. */
static bool write_token(const char *path, char *out)
{
    char aside[4096];
    if (snprintf(aside, sizeof aside, "%s.new", path) >= (int)sizeof aside) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return false;
    key_generate(out);
    size_t size = strlen(out);
    out[size] = '\n'; /* in the place of the NUL, for people who look at the file */
    bool written = write(fd, out, size + 1) == (ssize_t)(size + 1) && fsync(fd) == 0;
    out[size] = '\0';
    if (close(fd) == 0 && written && rename(aside, path) == 0)
        return true;
    unlink(aside);
    return false;
}

bool admin_token_load(const char *path, char *out)
{
    if (read_token(path, out))
        return true;
    return errno == ENOENT && write_token(path, out);
}
