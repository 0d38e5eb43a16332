/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log's writing. Lines gather in `pending` and are written at the end of the turn; what
 * the descriptor does not take waits for the next line or the retry timer.
 *
 *   access_log_write ──> pending (≤ 1 MiB) ──> at the end of the turn ──> fd
 *                 full: dropped              EAGAIN: retry in 50 ms; error: dropped
 *
 * Invariant: pending holds whole lines, but for the rest of one that was written in part (`torn`).
 * A descriptor that is no regular file gets at most PIPE_BUF bytes of whole lines a call, which a
 * pipe takes whole or not at all: the lines of several workers never mix.
 */
#include "telemetry/access_log.h"

#include "access_line.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_MAX   ((size_t)1 << 20)
#define KEEP_SIZE     ((size_t)64 << 10) /* memory kept between turns */
#define LINE_MAX_SIZE ((size_t)8 << 10)
#define RETRY_MS      50
#define LAST_WAIT_MS  250 /* for a reader, when the log is closed */

struct access_log {
    struct loop *loop;
    int fd;
    bool regular;
    bool torn;    /* pending begins inside a line */
    bool cut;     /* that line's rest was lost: its end must come before the next line */
    bool failing; /* said so already */
    struct buf pending;
    struct buf line;
    struct deferred flush;
    struct timer *retry;
    _Atomic int64_t dropped;
};

static void count_dropped(struct access_log *log, int64_t lines)
{
    atomic_fetch_add_explicit(&log->dropped, lines, memory_order_relaxed);
}

/* Gives up what is pending. */
static void drop_pending(struct access_log *log)
{
    struct span rest = buf_span(&log->pending);
    int64_t lines = 0;
    for (; rest.len > 0; lines++)
        rest = span_from(rest, span_find(rest, '\n') + 1);
    count_dropped(log, lines);
    buf_reset(&log->pending, KEEP_SIZE);
    log->cut = log->cut || log->torn;
    log->torn = false;
}

/* How much to write in one call: everything, or as many whole lines as a pipe takes in one piece.
 * */
static struct span next_chunk(const struct access_log *log)
{
    struct span all = buf_span(&log->pending);
    ASSERT(all.ptr != NULL);
    if (log->regular || all.len <= PIPE_BUF)
        return all;
    const char *end = memrchr(all.ptr, '\n', PIPE_BUF);
    return span_make(all.ptr, end != NULL ? (size_t)(end - all.ptr) + 1 : PIPE_BUF);
}

/* What was written, 0 when that must wait, -1 when it cannot be written at all. */
static ssize_t try_write(struct access_log *log, struct span chunk)
{
    ssize_t written;
    do {
        written = write(log->fd, chunk.ptr, chunk.len);
    } while (written < 0 && errno == EINTR);
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        written = 0;
    if (written < 0 && !log->failing)
        log_error("access log: cannot write, dropping lines: %s", strerror(errno));
    log->failing = written < 0;
    return written;
}

/* Takes out what was written, and notes whether that ended with a line. */
static void consume(struct access_log *log, size_t size)
{
    struct span all = buf_span(&log->pending);
    ASSERT(size > 0 && size <= all.len && all.ptr != NULL);
    log->torn = all.ptr[size - 1] != '\n';
    buf_consume(&log->pending, size);
}

/* Until all is written or the descriptor has enough. After an error there is nothing left. */
static void flush(struct access_log *log)
{
    while (buf_len(&log->pending) > 0) {
        ssize_t written = try_write(log, log->cut ? SPAN("\n") : next_chunk(log));
        if (written < 0) {
            drop_pending(log);
        } else if (written == 0) {
            timer_start(log->retry, RETRY_MS);
            return;
        } else if (log->cut) {
            log->cut = false;
        } else {
            consume(log, (size_t)written);
        }
    }
    buf_reset(&log->pending, KEEP_SIZE);
}

/* There is no later turn: waits for the descriptor, but not for long. */
static void flush_last(struct access_log *log)
{
    int64_t deadline_ns = clock_monotonic_ns() + LAST_WAIT_MS * NS_PER_MS;
    for (;;) {
        flush(log);
        int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS;
        if (buf_len(&log->pending) == 0 || left_ms <= 0)
            return;
        struct pollfd writable = {.fd = log->fd, .events = POLLOUT};
        poll(&writable, 1, (int)left_ms);
    }
}

static void on_turn_end(struct deferred *work)
{
    struct access_log *log = LIST_ITEM(work, struct access_log, flush);
    flush(log);
}

static void on_retry(void *argument)
{
    flush(argument);
}

/* A regular file needs no pieces: one call writes all, in order, and never waits for a reader. */
static void use_fd(struct access_log *log, int fd)
{
    struct stat info;
    log->fd = fd;
    log->regular = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    log->cut = false;
    log->failing = false;
}

struct access_log *access_log_new(struct loop *loop, int fd)
{
    struct access_log *log = MEMORY_NEW(struct access_log);
    log->loop = loop;
    buf_init(&log->pending, PENDING_MAX, 0);
    buf_init(&log->line, LINE_MAX_SIZE, 0);
    deferred_init(&log->flush, on_turn_end);
    log->retry = timer_new(loop, on_retry, log);
    use_fd(log, fd);
    return log;
}

void access_log_free(struct access_log **log)
{
    struct access_log *last = *log;
    *log = NULL;
    if (last == NULL)
        return;
    flush_last(last);
    if (buf_len(&last->pending) > 0)
        log_warn("access log: the reader is slow, the last lines are lost");
    deferred_cancel(&last->flush);
    timer_free(&last->retry);
    buf_fini(&last->pending);
    buf_fini(&last->line);
    free(last);
}

void access_log_write(struct access_log *log, const struct receipt *receipt)
{
    if (log->fd < 0)
        return;
    buf_reset(&log->line, LINE_MAX_SIZE);
    access_line_append(&log->line, receipt);
    /* Full, or no memory: a buffer that has failed takes nothing until flush() has emptied it. */
    if (buf_failed(&log->line) || buf_len(&log->line) > PENDING_MAX - buf_len(&log->pending) ||
        !buf_append(&log->pending, buf_span(&log->line)))
        count_dropped(log, 1);
    loop_defer(log->loop, &log->flush);
}

void access_log_set_fd(struct access_log *log, int fd)
{
    flush(log);
    if (log->torn) {
        /* Half a line has no place at the head of another file. */
        struct span rest = buf_span(&log->pending);
        buf_consume(&log->pending, span_find(rest, '\n') + 1);
        count_dropped(log, 1);
        log->torn = false;
    }
    if (fd < 0)
        drop_pending(log);
    use_fd(log, fd);
    if (buf_len(&log->pending) > 0)
        loop_defer(log->loop, &log->flush);
}

int64_t access_log_dropped(const struct access_log *log)
{
    return atomic_load_explicit(&log->dropped, memory_order_relaxed);
}
