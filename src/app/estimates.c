/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A whole new file each time, renamed into place: a crash leaves the old one or the new one. */
#include "estimates.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "policy/cells.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVERY_MS   60000
#define FILE_MAX   ((size_t)16 << 20)
#define READ_SIZE  ((size_t)64 << 10)
#define FILE_MODE  0640
#define FILE_FLAGS (O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC)

struct estimates {
    struct cells *cells;
    struct timer *timer;
    char path[4096];
    char draft[4096 + 8];
    struct buf written; /* what the file holds */
};

static bool read_all(int fd, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, READ_SIZE);
        ssize_t size = room != NULL ? read(fd, room, READ_SIZE) : -1;
        if (size < 0 && room != NULL && errno == EINTR)
            continue;
        if (size <= 0)
            return size == 0;
        buf_commit(out, (size_t)size);
    }
}

static void load(struct estimates *estimates)
{
    int fd = open(estimates->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            log_warn("learned estimates: %s: %s", estimates->path, strerror(errno));
        return;
    }
    bool read = read_all(fd, &estimates->written);
    close(fd);
    size_t bad = read ? cells_read_estimates(estimates->cells, buf_span(&estimates->written)) : 0;
    if (!read || bad > 0)
        log_warn("learned estimates: %s: %s", estimates->path,
                 read ? "some lines cannot be read and are learned anew" : "cannot be read");
}

static bool write_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t size = write(fd, text.ptr, text.len);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return false;
        text = span_from(text, (size_t)size);
    }
    return true;
}

static bool write_file(const struct estimates *estimates, struct span text)
{
    int fd = open(estimates->draft, FILE_FLAGS, FILE_MODE);
    if (fd < 0)
        return false;
    bool written = write_all(fd, text);
    written = close(fd) == 0 && written;
    return written && rename(estimates->draft, estimates->path) == 0;
}

static void save(struct estimates *estimates)
{
    struct buf text;
    buf_init(&text, FILE_MAX, 0);
    cells_write_estimates(estimates->cells, &text);
    if (buf_failed(&text)) {
        log_warn("learned estimates: more than %zu MiB, not written", FILE_MAX >> 20);
    } else if (!span_equal(buf_span(&text), buf_span(&estimates->written))) {
        if (!write_file(estimates, buf_span(&text)))
            log_warn("learned estimates: %s: %s", estimates->draft, strerror(errno));
        buf_reset(&estimates->written, SIZE_MAX);
        buf_append(&estimates->written, buf_span(&text));
    }
    buf_fini(&text);
}

static void on_timer(void *argument)
{
    struct estimates *estimates = argument;
    save(estimates);
    timer_start(estimates->timer, EVERY_MS);
}

struct estimates *estimates_open(struct loop *loop, struct cells *cells, const char *directory)
{
    struct estimates *estimates = MEMORY_NEW(struct estimates);
    estimates->cells = cells;
    buf_init(&estimates->written, FILE_MAX, 0);
    snprintf(estimates->path, sizeof estimates->path, "%s/estimates", directory);
    snprintf(estimates->draft, sizeof estimates->draft, "%s.new", estimates->path);
    load(estimates);
    estimates->timer = timer_new(loop, on_timer, estimates);
    timer_start(estimates->timer, EVERY_MS);
    return estimates;
}

void estimates_close(struct estimates **address)
{
    struct estimates *estimates = *address;
    *address = NULL;
    if (estimates == NULL)
        return;
    save(estimates);
    timer_free(&estimates->timer);
    buf_fini(&estimates->written);
    free(estimates);
}
