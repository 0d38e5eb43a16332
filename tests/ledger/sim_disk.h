/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory that does what disks do at the worst moment: loses what was not synced, sector by
 * sector and in any order; tears the write it crashes in; forgets file names that were not synced;
 * fails the k-th sync and then says that all is well (the dirty pages are gone); is full. All of it
 * follows from one seed.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include "base/assert.h"
#include "base/memory.h"
#include "ledger/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIM_SECTOR 512
#define SIM_FILES  256

struct sim_file {
    char *path; /* NULL: a free place */
    uint8_t *cached;
    uint8_t *durable;
    size_t size;
    size_t dirty_from, dirty_to;
    bool linked;         /* as the process sees it */
    bool linked_durable; /* after a power loss, surely */
    bool locked;
};

struct sim_disk {
    struct ledger_io io; /* first: the table's functions get back to the disk by it */
    struct sim_file files[SIM_FILES];
    uint64_t random;
    int64_t wall_ns;
    int64_t capacity; /* bytes of all files; allocate fails beyond */
    int64_t used;
    uint64_t calls;    /* that change something, so far */
    uint64_t crash_at; /* that call, and all after it, fail; 0: none */
    uint64_t syncs;
    uint64_t fail_sync;  /* the k-th sync fails; 0: none */
    uint64_t fail_write; /* the k-th call that changes something fails once */
    bool crashed;
};

static inline uint64_t sim_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    uint64_t x = *state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static inline struct sim_disk *sim_of(struct ledger_io *io)
{
    return (struct sim_disk *)(void *)io;
}

/* Whether the call does not happen; *result then says how it failed. */
static inline bool sim_fails(struct sim_disk *disk, int *result)
{
    *result = -EIO;
    if (disk->crashed)
        return true;
    disk->calls++;
    if (disk->calls == disk->crash_at) {
        disk->crashed = true;
        return true;
    }
    return disk->calls == disk->fail_write;
}

static inline struct sim_file *sim_find(struct sim_disk *disk, const char *path)
{
    for (size_t i = 0; i < SIM_FILES; i++) {
        struct sim_file *file = &disk->files[i];
        if (file->path != NULL && file->linked && strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

static inline struct sim_file *sim_make(struct sim_disk *disk, const char *path)
{
    for (size_t i = 0; i < SIM_FILES; i++) {
        struct sim_file *file = &disk->files[i];
        if (file->path != NULL)
            continue;
        *file = (struct sim_file){.path = memory_string(path, strlen(path)), .linked = true};
        return file;
    }
    UNREACHABLE(); /* a simulated disk has room for more files than any test makes */
}

static inline int sim_open(struct ledger_io *io, const char *path, enum ledger_open mode)
{
    struct sim_disk *disk = sim_of(io);
    struct sim_file *file = sim_find(disk, path);
    int error;
    if (mode != LEDGER_OPEN_CREATE)
        return disk->crashed ? -EIO : file == NULL ? -ENOENT : (int)(file - disk->files);
    if (sim_fails(disk, &error))
        return error;
    return file != NULL ? -EEXIST : (int)(sim_make(disk, path) - disk->files);
}

static inline void sim_close(struct ledger_io *io, int fd)
{
    sim_of(io)->files[fd].locked = false;
}

static inline int64_t sim_read(struct ledger_io *io, int fd, void *bytes, size_t size,
                               int64_t offset)
{
    const struct sim_file *file = &sim_of(io)->files[fd];
    if (sim_of(io)->crashed)
        return -EIO;
    if ((size_t)offset >= file->size)
        return 0;
    size_t left = file->size - (size_t)offset;
    size_t part = size < left ? size : left;
    memcpy(bytes, file->cached + offset, part);
    return (int64_t)part;
}

static inline int64_t sim_write(struct ledger_io *io, int fd, const void *bytes, size_t size,
                                int64_t offset)
{
    struct sim_disk *disk = sim_of(io);
    struct sim_file *file = &disk->files[fd];
    bool before = disk->crashed;
    int error;
    bool fails = sim_fails(disk, &error);
    size_t part = size;
    /* The write that it crashes or fails in may have come half through. */
    if (fails)
        part = before ? 0 : (size_t)(sim_random(&disk->random) % (size + 1));
    ASSERT((size_t)offset + size <= file->size);
    memcpy(file->cached + offset, bytes, part);
    if (file->dirty_from == file->dirty_to)
        file->dirty_from = (size_t)offset;
    if ((size_t)offset < file->dirty_from)
        file->dirty_from = (size_t)offset;
    if ((size_t)offset + part > file->dirty_to)
        file->dirty_to = (size_t)offset + part;
    return fails ? error : (int64_t)size;
}

static inline int sim_sync(struct ledger_io *io, int fd)
{
    struct sim_disk *disk = sim_of(io);
    struct sim_file *file = &disk->files[fd];
    int error;
    bool fails = sim_fails(disk, &error) || ++disk->syncs == disk->fail_sync;
    if (disk->crashed)
        return -EIO;
    if (!fails && file->dirty_to > file->dirty_from)
        memcpy(file->durable + file->dirty_from, file->cached + file->dirty_from,
               file->dirty_to - file->dirty_from);
    /* As Linux does: pages that could not be written count as clean, and can still be read. */
    file->dirty_from = file->dirty_to = 0;
    return fails ? -EIO : 0;
}

static inline int sim_allocate(struct ledger_io *io, int fd, int64_t size)
{
    struct sim_disk *disk = sim_of(io);
    struct sim_file *file = &disk->files[fd];
    int error;
    if (sim_fails(disk, &error))
        return error;
    if (disk->capacity != 0 && disk->used + size > disk->capacity)
        return -ENOSPC;
    disk->used += size;
    file->size = (size_t)size;
    file->cached = memory_array(file->size, 1);
    file->durable = memory_array(file->size, 1);
    return 0;
}

static inline int64_t sim_size(struct ledger_io *io, int fd)
{
    return (int64_t)sim_of(io)->files[fd].size;
}

static inline void sim_drop(struct sim_disk *disk, struct sim_file *file)
{
    disk->used -= (int64_t)file->size;
    free(file->path);
    free(file->cached);
    free(file->durable);
    *file = (struct sim_file){.path = NULL};
}

static inline int sim_unlink(struct ledger_io *io, const char *path)
{
    struct sim_file *file = sim_find(sim_of(io), path);
    int error;
    if (sim_fails(sim_of(io), &error))
        return error;
    if (file == NULL)
        return -ENOENT;
    file->linked = false;
    if (!file->linked_durable)
        sim_drop(sim_of(io), file);
    return 0;
}

static inline int sim_rename(struct ledger_io *io, const char *from, const char *to)
{
    (void)io;
    (void)from;
    (void)to;
    return -ENOSYS; /* the journal renames nothing */
}

static inline int sim_make_directory(struct ledger_io *io, const char *path)
{
    (void)path;
    return sim_of(io)->crashed ? -EIO : 0;
}

static inline int sim_sync_directory(struct ledger_io *io, const char *path)
{
    struct sim_disk *disk = sim_of(io);
    int error;
    (void)path;
    if (sim_fails(disk, &error))
        return error;
    for (size_t i = 0; i < SIM_FILES; i++) {
        struct sim_file *file = &disk->files[i];
        if (file->path != NULL && !file->linked)
            sim_drop(disk, file);
        else
            file->linked_durable = file->path != NULL;
    }
    return 0;
}

static inline int sim_list(struct ledger_io *io, const char *path,
                           void (*each)(void *argument, const char *name), void *argument)
{
    struct sim_disk *disk = sim_of(io);
    size_t len = strlen(path);
    if (disk->crashed)
        return -EIO;
    for (size_t i = 0; i < SIM_FILES; i++) {
        const struct sim_file *file = &disk->files[i];
        if (file->path != NULL && file->linked && strncmp(file->path, path, len) == 0 &&
            file->path[len] == '/')
            each(argument, file->path + len + 1);
    }
    return 0;
}

static inline int sim_lock(struct ledger_io *io, const char *path)
{
    struct sim_disk *disk = sim_of(io);
    if (disk->crashed)
        return -EIO;
    struct sim_file *file = sim_find(disk, path);
    if (file == NULL)
        file = sim_make(disk, path);
    if (file->locked)
        return -EWOULDBLOCK;
    file->locked = true;
    file->linked_durable = true;
    return (int)(file - disk->files);
}

static inline int64_t sim_now(struct ledger_io *io)
{
    return sim_of(io)->wall_ns;
}

static inline struct sim_disk *sim_disk_new(uint64_t seed)
{
    struct sim_disk *disk = MEMORY_NEW(struct sim_disk);
    disk->random = seed;
    disk->wall_ns = 1000000000000000000;
    disk->io = (struct ledger_io){
        .open = sim_open,
        .close = sim_close,
        .read = sim_read,
        .write = sim_write,
        .sync = sim_sync,
        .allocate = sim_allocate,
        .size = sim_size,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .make_directory = sim_make_directory,
        .sync_directory = sim_sync_directory,
        .list = sim_list,
        .lock = sim_lock,
        .now = sim_now,
    };
    return disk;
}

static inline void sim_disk_free(struct sim_disk *disk)
{
    for (size_t i = 0; i < SIM_FILES; i++) {
        if (disk->files[i].path != NULL)
            sim_drop(disk, &disk->files[i]);
    }
    free(disk);
}

/* What a power loss leaves of a file: of each dirty sector the old or the new. */
static inline void sim_lose(struct sim_disk *disk, struct sim_file *file)
{
    bool kept = file->linked_durable ? file->linked || sim_random(&disk->random) % 2 == 0
                                     : file->linked && sim_random(&disk->random) % 2 == 0;
    if (!kept) {
        sim_drop(disk, file);
        return;
    }
    file->linked = file->linked_durable = true;
    for (size_t at = file->dirty_from; at < file->dirty_to;) {
        size_t end = (at / SIM_SECTOR + 1) * SIM_SECTOR;
        end = end < file->dirty_to ? end : file->dirty_to;
        if (sim_random(&disk->random) % 2 == 0)
            memcpy(file->durable + at, file->cached + at, end - at);
        at = end;
    }
    if (file->size > 0)
        memcpy(file->cached, file->durable, file->size);
    file->dirty_from = file->dirty_to = 0;
}

/* The process is gone; with `power` the machine was, too. Everything works again. */
static inline void sim_disk_restart(struct sim_disk *disk, bool power)
{
    disk->crashed = false;
    disk->crash_at = disk->fail_sync = disk->fail_write = 0;
    disk->capacity = 0;
    for (size_t i = 0; i < SIM_FILES; i++) {
        struct sim_file *file = &disk->files[i];
        file->locked = false;
        if (file->path != NULL && power)
            sim_lose(disk, file);
    }
}

#endif
