/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The real disk and the real clock. */
#include "ledger/io.h"

#include "base/clock.h"
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int outcome(int result)
{
    return result < 0 ? -errno : result;
}

static int real_open(struct ledger_io *io, const char *path, enum ledger_open mode)
{
    (void)io;
    int flags = mode == LEDGER_OPEN_READ ? O_RDONLY : O_RDWR;
    if (mode == LEDGER_OPEN_CREATE)
        flags |= O_CREAT | O_EXCL;
    return outcome(open(path, flags | O_CLOEXEC, 0600));
}

static void real_close(struct ledger_io *io, int fd)
{
    (void)io;
    close(fd);
}

static int64_t real_read(struct ledger_io *io, int fd, void *bytes, size_t size, int64_t offset)
{
    (void)io;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)bytes + done, size - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

static int64_t real_write(struct ledger_io *io, int fd, const void *bytes, size_t size,
                          int64_t offset)
{
    (void)io;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, size - done, offset + (int64_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        done += (size_t)put;
    }
    return (int64_t)done;
}

static int real_sync(struct ledger_io *io, int fd)
{
    (void)io;
    return outcome(fdatasync(fd));
}

static int real_allocate(struct ledger_io *io, int fd, int64_t size)
{
    (void)io;
    int error = posix_fallocate(fd, 0, size);
    /* The length is metadata that no later fdatasync should have to write. */
    return error != 0 ? -error : outcome(fsync(fd));
}

static int64_t real_size(struct ledger_io *io, int fd)
{
    struct stat stat;
    (void)io;
    return fstat(fd, &stat) < 0 ? -errno : stat.st_size;
}

static int real_rename(struct ledger_io *io, const char *from, const char *to)
{
    (void)io;
    return outcome(rename(from, to));
}

static int real_unlink(struct ledger_io *io, const char *path)
{
    (void)io;
    return outcome(unlink(path));
}

static int real_make_directory(struct ledger_io *io, const char *path)
{
    (void)io;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int real_sync_directory(struct ledger_io *io, const char *path)
{
    (void)io;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = outcome(fsync(fd));
    close(fd);
    return result;
}

static int real_list(struct ledger_io *io, const char *path,
                     void (*each)(void *argument, const char *name), void *argument)
{
    (void)io;
    DIR *directory = directory_open(path);
    if (directory == NULL)
        return -errno;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL; errno = 0) {
        if (entry->d_name[0] != '.')
            each(argument, entry->d_name);
    }
    int result = -errno;
    closedir(directory);
    return result;
}

static int real_lock(struct ledger_io *io, const char *path)
{
    (void)io;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int64_t real_now(struct ledger_io *io)
{
    (void)io;
    return clock_wall_ns();
}

struct ledger_io *ledger_io_real(void)
{
    static struct ledger_io real = {
        .open = real_open,
        .close = real_close,
        .read = real_read,
        .write = real_write,
        .sync = real_sync,
        .allocate = real_allocate,
        .size = real_size,
        .rename = real_rename,
        .unlink = real_unlink,
        .make_directory = real_make_directory,
        .sync_directory = real_sync_directory,
        .list = real_list,
        .lock = real_lock,
        .now = real_now,
    };
    return &real;
}

bool ledger_fault_set(struct ledger_fault *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return false;
}
