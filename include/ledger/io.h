/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the journal asks of the world: files, a lock, the time. The table is given at birth, so
 * that a simulation can hold the disk and the clock: lose what was not synced, tear a write, fail
 * the k-th call, crash at any of them. (SQLite has its own way to the disk; what it holds can be
 * made again from the journal.)
 *
 * A function that can fail returns a negative errno then. Descriptors are the table's own numbers.
 * Any thread.
 */
#ifndef LEDGER_IO_H
#define LEDGER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_open {
    LEDGER_OPEN_READ,   /* a file that is there */
    LEDGER_OPEN_WRITE,  /* the same, for writing too */
    LEDGER_OPEN_CREATE, /* for writing, and not there yet */
};

struct ledger_io {
    int (*open)(struct ledger_io *io, const char *path, enum ledger_open mode);
    void (*close)(struct ledger_io *io, int fd);
    /* Bytes moved; less than asked for at the end of the file, or when a write was cut short. */
    int64_t (*read)(struct ledger_io *io, int fd, void *bytes, size_t size, int64_t offset);
    int64_t (*write)(struct ledger_io *io, int fd, const void *bytes, size_t size, int64_t offset);
    /* fdatasync. After a failure nothing is known of what the file holds since the last success. */
    int (*sync)(struct ledger_io *io, int fd);
    /* Makes the file that long, zeroed, with its room on the disk taken. */
    int (*allocate)(struct ledger_io *io, int fd, int64_t size);
    int64_t (*size)(struct ledger_io *io, int fd);
    int (*rename)(struct ledger_io *io, const char *from, const char *to);
    int (*unlink)(struct ledger_io *io, const char *path);
    /* One level; 0 when it is there already. */
    int (*make_directory)(struct ledger_io *io, const char *path);
    /* Makes the names of a directory durable. */
    int (*sync_directory)(struct ledger_io *io, const char *path);
    /* Every name in a directory, in any order; `each` may not change the directory. */
    int (*list)(struct ledger_io *io, const char *path,
                void (*each)(void *argument, const char *name), void *argument);
    /* Takes the lock file, made when it is not there: a descriptor that holds the lock until it is
     * closed; -EWOULDBLOCK: another process has it. */
    int (*lock)(struct ledger_io *io, const char *path);
    /* Wall time in nanoseconds. */
    int64_t (*now)(struct ledger_io *io);
};

/* The real one; lives for ever. */
struct ledger_io *ledger_io_real(void);

/* What went wrong, for an operator: names the file and the place in it. */
struct ledger_fault {
    char text[512];
};

/* Writes the sentence; returns false, so that a failing function may return it. */
bool ledger_fault_set(struct ledger_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
