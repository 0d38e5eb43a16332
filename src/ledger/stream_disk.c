/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream and its files.
 *
 *   good ──write or sync fails, no room for a new segment──▶ broken
 *    ▲                                                          │ each pass of the sync thread
 *    └── new file: books, all batches not yet on the disk ◀─────┘
 *
 * A segment's head is written only when all before it is on the disk: so a reader may rely on every
 * segment but the last. A file whose write or sync failed is never used again.
 */
#include "journal_private.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

/* Makes an empty segment; its descriptor, or a negative errno and nothing is left behind. */
static int create_segment(const struct journal *journal, uint32_t stream, uint64_t number,
                          uint64_t slots)
{
    struct ledger_io *io = journal->io;
    char path[FILES_PATH];
    files_path(journal->directory, stream, number, path);
    int fd = io->open(io, path, LEDGER_OPEN_CREATE);
    if (fd < 0)
        return fd;
    int error = io->allocate(io, fd, (int64_t)(slots * RECORD_SLOT));
    if (error >= 0)
        error = io->sync_directory(io, journal->directory);
    if (error >= 0)
        return fd;
    io->close(io, fd);
    io->unlink(io, path);
    return error;
}

static void remove_segment(const struct journal_stream *stream, uint64_t number, int fd)
{
    struct ledger_io *io = stream->journal->io;
    char path[FILES_PATH];
    io->close(io, fd);
    io->unlink(io, files_path(stream->journal->directory, stream->id, number, path));
}

/* A negative errno, or 0 when all was written. */
static int write_slots(struct journal_stream *stream, int fd, const uint8_t *bytes, size_t slots,
                       uint64_t at)
{
    struct ledger_io *io = stream->journal->io;
    if (slots == 0)
        return 0;
    int64_t put = io->write(io, fd, bytes, slots * RECORD_SLOT, (int64_t)(at * RECORD_SLOT));
    if (put < 0)
        return (int)put;
    return (uint64_t)put == slots * RECORD_SLOT ? 0 : -ENOSPC;
}

static void close_segment(struct journal_stream *stream)
{
    if (stream->fd >= 0)
        stream->journal->io->close(stream->journal->io, stream->fd);
    stream->fd = -1;
}

/* ---- states ---- */

static uint64_t slots_left(const struct journal_stream *stream)
{
    return stream->slot_count - stream->slot;
}

void stream_set_ok(struct journal_stream *stream)
{
    bool room = stream->spare >= 0 || slots_left(stream) > stream->journal->reserve_slots;
    bool ok = !stream->broken && room;
    if (!room != stream->full && !stream->broken) {
        stream->full = !room;
        if (room)
            log_info("journal stream %u: there is room again", stream->id);
        else
            log_error("journal stream %u: no room for another segment; new spend is refused",
                      stream->id);
    }
    atomic_store(&stream->ok, ok);
}

void stream_break(struct journal_stream *stream, const char *what, int error)
{
    if (!stream->broken)
        log_error("journal stream %u segment %llu: %s: %s; new spend is refused until a new "
                  "segment can be written",
                  stream->id, (unsigned long long)stream->number, what, strerror(-error));
    stream->broken = true;
    atomic_store(&stream->ok, false);
    atomic_fetch_add(&stream->breaks, 1);
}

static void apply(struct journal_stream *stream, const struct batch *batch)
{
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    for (size_t i = 0; i < batch->slots;) {
        struct record record;
        enum record_verdict verdict =
            record_decode(batch->bytes + i * RECORD_SLOT, batch->slots - i, room, &record);
        ASSERT(verdict == RECORD_GOOD);
        enum books_fault fault = books_apply(stream->books, &record);
        ASSERT(fault == BOOKS_FINE);
        i += 1u + record.more;
    }
}

void stream_made_durable(struct journal_stream *stream, uint64_t seq)
{
    while (!list_empty(&stream->batches)) {
        struct batch *batch = LIST_ITEM(stream->batches.next, struct batch, link);
        if (batch->last_seq > seq)
            break;
        apply(stream, batch);
        stream_put_by(stream, batch);
    }
    if (seq > atomic_load(&stream->durable)) {
        atomic_store(&stream->durable, seq);
        atomic_fetch_add(&stream->journal->changes, 1);
    }
}

/* ---- going on in another file ---- */

/* Everything that a reader of the new file needs, its first slot last: until that is there the file
 * does not count. */
static int write_afresh(struct journal_stream *stream, int fd, const struct head *head,
                        uint64_t *end)
{
    struct ledger_io *io = stream->journal->io;
    uint64_t at = head->slots;
    int error = write_slots(stream, fd, head->bytes + RECORD_SLOT, head->slots - 1, 1);
    LIST_FOR_EACH (link, &stream->batches) {
        const struct batch *batch = LIST_ITEM(link, struct batch, link);
        if (error == 0)
            error = write_slots(stream, fd, batch->bytes, batch->slots, at);
        at += batch->slots;
    }
    if (error == 0)
        error = io->sync(io, fd);
    if (error >= 0)
        error = write_slots(stream, fd, head->bytes, 1, 0);
    if (error >= 0)
        error = io->sync(io, fd);
    *end = at;
    return error;
}

static uint64_t slots_needed(const struct journal_stream *stream, size_t head)
{
    uint64_t needed = head + 1;
    LIST_FOR_EACH (link, &stream->batches) {
        needed += LIST_ITEM(link, struct batch, link)->slots;
    }
    needed += stream->journal->reserve_slots;
    return needed > stream->journal->segment_slots ? 2 * needed : stream->journal->segment_slots;
}

bool stream_revive(struct journal_stream *stream, bool prune)
{
    struct head head;
    uint64_t number = ++stream->last_number, end;
    uint64_t last = atomic_load(&stream->durable);
    if (!list_empty(&stream->batches))
        last = LIST_ITEM(stream->batches.prev, struct batch, link)->last_seq;
    head_make(&head, stream, last, prune);
    uint64_t slots = slots_needed(stream, head.slots);
    head_seal(&head, number, slots);
    int fd = create_segment(stream->journal, stream->id, number, slots);
    int error = fd < 0 ? fd : write_afresh(stream, fd, &head, &end);
    free(head.bytes);
    if (error < 0) {
        if (fd >= 0)
            remove_segment(stream, number, fd);
        stream_break(stream, "a new segment cannot be written", error);
        return false;
    }
    close_segment(stream);
    if (stream->broken)
        log_info("journal stream %u: works again, in segment %llu", stream->id,
                 (unsigned long long)number);
    stream->fd = fd;
    stream->number = number;
    stream->slot = end;
    stream->slot_count = slots;
    stream->broken = false;
    atomic_store(&stream->written, last);
    stream_made_durable(stream, last);
    stream_set_ok(stream);
    return true;
}

static void put_seal(struct journal_stream *stream)
{
    uint8_t slot[RECORD_SLOT];
    uint64_t written = atomic_load(&stream->written);
    struct record seal = {.kind = RECORD_SEAL, .seq = written + 1};
    seal.order = atomic_load(&stream->journal->order);
    seal.lag = (uint32_t)(written - atomic_load(&stream->durable));
    record_encode(&seal, slot);
    int error = write_slots(stream, stream->fd, slot, 1, stream->slot);
    if (error < 0)
        stream_break(stream, "write", error);
    else
        stream->slot++;
}

/* The segment is full: syncs it, so that the next one may rely on it. */
static bool finish_segment(struct journal_stream *stream)
{
    struct ledger_io *io = stream->journal->io;
    put_seal(stream);
    if (stream->broken)
        return false;
    int error = io->sync(io, stream->fd);
    if (error < 0) {
        stream_break(stream, "fdatasync", error);
        return false;
    }
    stream_made_durable(stream, atomic_load(&stream->written));
    return true;
}

/* Makes the spare when the sync thread has not come to it. */
static void need_spare(struct journal_stream *stream)
{
    if (stream->spare >= 0)
        return;
    uint64_t number = ++stream->last_number;
    int fd = create_segment(stream->journal, stream->id, number, stream->journal->segment_slots);
    if (fd >= 0) {
        stream->spare = fd;
        stream->spare_number = number;
    }
}

/* Writes the head to the spare and makes it the segment; a negative errno else. */
static int enter_spare(struct journal_stream *stream, const struct head *head)
{
    int error = write_slots(stream, stream->spare, head->bytes, head->slots, 0);
    if (error < 0) {
        remove_segment(stream, stream->spare_number, stream->spare);
    } else {
        close_segment(stream);
        stream->fd = stream->spare;
        stream->number = stream->spare_number;
        stream->slot = head->slots;
        stream->slot_count = stream->journal->segment_slots;
    }
    stream->spare = -1;
    return error;
}

/* The batch that did not fit any more is in `batches`, and alone when the segment is finished. */
static void next_segment(struct journal_stream *stream, const struct batch *batch)
{
    if (!finish_segment(stream))
        return;
    need_spare(stream);
    if (stream->spare < 0) {
        stream_break(stream, "the next segment cannot be made", -ENOSPC);
        return;
    }
    struct head head;
    head_make(&head, stream, atomic_load(&stream->durable), false);
    head_seal(&head, stream->spare_number, stream->journal->segment_slots);
    uint64_t needed = head.slots + batch->slots + 1 + stream->journal->reserve_slots;
    int error = 0;
    if (needed > stream->journal->segment_slots)
        stream_revive(stream, false); /* in a larger one */
    else
        error = enter_spare(stream, &head);
    free(head.bytes);
    if (error < 0)
        stream_break(stream, "the next segment cannot be written", error);
}

static bool is_full(const struct journal_stream *stream, const struct batch *batch)
{
    return !stream->broken && slots_left(stream) < batch->slots + 1;
}

void stream_write(struct journal_stream *stream, const struct batch *batch)
{
    /* What the sync thread finds may change everything. */
    while (is_full(stream, batch) && stream->syncing)
        pthread_cond_wait(&stream->idle, &stream->mutex);
    if (is_full(stream, batch))
        next_segment(stream, batch);
    if (stream->broken || batch->last_seq <= atomic_load(&stream->durable))
        return;
    int error = write_slots(stream, stream->fd, batch->bytes, batch->slots, stream->slot);
    if (error < 0) {
        stream_break(stream, "write", error);
        return;
    }
    stream->slot += batch->slots;
    atomic_store(&stream->written, batch->last_seq);
    if (slots_left(stream) <= stream->journal->reserve_slots && atomic_load(&stream->ok))
        need_spare(stream);
}

/* ---- the sync thread's part ---- */

/* Outside of the mutex: making a file takes its time. */
static void prepare_spare(struct journal_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    bool wanted =
        !stream->broken && stream->spare < 0 && slots_left(stream) < stream->slot_count / 2;
    uint64_t number = wanted ? ++stream->last_number : 0;
    pthread_mutex_unlock(&stream->mutex);
    if (!wanted)
        return;
    int fd = create_segment(stream->journal, stream->id, number, stream->journal->segment_slots);
    pthread_mutex_lock(&stream->mutex);
    if (fd >= 0 && stream->spare >= 0) { /* the owner could not wait */
        remove_segment(stream, number, fd);
    } else if (fd >= 0) {
        stream->spare = fd;
        stream->spare_number = number;
    }
    stream_set_ok(stream);
    pthread_mutex_unlock(&stream->mutex);
}

/* Syncs what is written. The mutex is held, but not while the disk works. */
static void sync_written(struct journal_stream *stream)
{
    struct ledger_io *io = stream->journal->io;
    uint64_t target = atomic_load(&stream->written);
    if (target <= atomic_load(&stream->durable))
        return;
    int fd = stream->fd;
    stream->syncing = true;
    stream->syncing_to = target;
    pthread_mutex_unlock(&stream->mutex);
    int error = io->sync(io, fd);
    pthread_mutex_lock(&stream->mutex);
    stream->syncing = false;
    pthread_cond_broadcast(&stream->idle);
    if (error < 0)
        stream_break(stream, "fdatasync", error);
    else
        stream_made_durable(stream, target);
}

bool stream_sync(struct journal_stream *stream)
{
    uint64_t durable = atomic_load(&stream->durable);
    unsigned breaks = atomic_load(&stream->breaks);
    pthread_mutex_lock(&stream->mutex);
    if (stream->broken)
        stream_revive(stream, false);
    else
        sync_written(stream);
    pthread_mutex_unlock(&stream->mutex);
    prepare_spare(stream);
    if (durable != atomic_load(&stream->durable) || breaks != atomic_load(&stream->breaks))
        stream_notify(stream);
    return atomic_load(&stream->ok);
}

void stream_seal(struct journal_stream *stream)
{
    if (!stream->broken)
        sync_written(stream);
    if (stream->broken && stream->fd >= 0)
        stream_revive(stream, false); /* the last chance for what is only in memory */
    if (!stream->broken && slots_left(stream) > 0)
        put_seal(stream);
    if (!stream->broken)
        stream->journal->io->sync(stream->journal->io, stream->fd);
    close_segment(stream);
    if (stream->spare >= 0)
        remove_segment(stream, stream->spare_number, stream->spare);
    stream->spare = -1;
}
