/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the journal and its streams.
 *
 *   pending ──journal_flush──▶ batches (written, not yet on the disk) ──sync──▶ books, and free again
 *
 * Batches stay in memory until they are on the disk, so that they can be written again elsewhere. Those
 * of several turns are put together; none is ever partly on the disk.
 * The books of a stream are those of what is on the disk: the next checkpoint.
 */
#ifndef LEDGER_JOURNAL_PRIVATE_H
#define LEDGER_JOURNAL_PRIVATE_H

#include "base/table.h"
#include "files.h"
#include "ledger/journal.h"
#include "loop/inbox.h"
#include "record_private.h"

#include <pthread.h>
#include <stdatomic.h>

struct batch {
    struct list link;
    uint64_t last_seq;
    size_t slots;
    size_t capacity;
    uint8_t *bytes;
};

struct journal_stream {
    struct list link; /* in journal.streams */
    struct journal *journal;
    uint32_t id;
    bool control;

    /* The owner's. */
    struct batch *pending;
    uint64_t next_seq;
    struct books *resolved; /* parts resolved by this process; NULL: none */
    int64_t *limits;        /* by budget id: the limit last told; NO_LIMIT: none yet */
    uint32_t limit_count;
    struct list waiters; /* oldest first */
    unsigned breaks_told;
    struct inbox *inbox;

    /* Under the mutex; only the sync thread, which sets `syncing`, uses fd outside of it. */
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    bool syncing;
    uint64_t syncing_to; /* the seq that the sync under way will have made durable */
    bool broken;
    bool full;           /* told that there is no room for another segment */
    int fd;              /* -1: none */
    uint64_t number;     /* of the segment */
    uint64_t slot;       /* the next free one */
    uint64_t slot_count; /* of the segment */
    uint64_t last_number;
    int spare; /* the next segment's descriptor; -1: not made yet */
    uint64_t spare_number;
    struct list batches; /* oldest first */
    struct list unused;  /* batches, for the next turns */
    size_t unused_count;
    struct books *books;

    /* For all. */
    _Atomic uint64_t written;
    _Atomic uint64_t durable;
    atomic_bool ok;
    atomic_uint breaks;
    atomic_bool posted; /* the item is on its way */
    struct inbox_item item;
};

#define NO_LIMIT INT64_MIN

struct journal {
    struct ledger_io *io;
    char *state_dir;
    char *directory;
    int lock;
    bool strict;
    uint64_t segment_slots;
    uint64_t reserve_slots;
    uint64_t waiting_slots; /* of a stream that does not work: then receipts are lost */
    uint64_t epoch;
    int64_t birth;
    _Atomic uint64_t order; /* the last one given */
    struct journal_stream *control;

    pthread_mutex_t pass; /* held through a pass of the sync thread, and to open or close streams */
    struct list streams;
    uint32_t last_stream;

    pthread_mutex_t names; /* budgets */
    struct table by_name;
    uint32_t last_budget;

    pthread_mutex_t wake;
    pthread_cond_t awake;
    bool stop;
    bool hurry;  /* sync now */
    bool waking; /* something was written */
    bool threaded;
    pthread_t thread;
    _Atomic uint64_t unsynced; /* slots, roughly */
    _Atomic uint64_t changes;  /* see journal_changes() */
};

/* ---- head.c ---- */

struct head {
    uint8_t *bytes; /* free() it */
    size_t slots;
    size_t capacity;
    struct segment_head told; /* its first slot, once head_seal() has written it */
};

/* The head of the stream's next segment, made of its books. All up to known_seq will be on the disk
 * before its first slot is. `prune`: without budgets of which nothing is left. */
void head_make(struct head *head, struct journal_stream *stream, uint64_t known_seq, bool prune);
/* Writes the first slot: which segment it is, and the slots of the file. */
void head_seal(struct head *head, uint64_t number, uint64_t file_slots);

/* ---- stream_disk.c; the mutex is held ---- */

/* Writes a queued batch into the segment, going on to a new one when it is full. */
void stream_write(struct journal_stream *stream, const struct batch *batch);
/* To a new file: the books, then every batch. False: that failed too. */
bool stream_revive(struct journal_stream *stream, bool prune);
void stream_break(struct journal_stream *stream, const char *what, int error);
/* All up to seq is on the disk. */
void stream_made_durable(struct journal_stream *stream, uint64_t seq);
void stream_set_ok(struct journal_stream *stream);
/* Seals the segment and closes it. */
void stream_seal(struct journal_stream *stream);
/* One pass; takes the mutex itself. False: it is broken. */
bool stream_sync(struct journal_stream *stream);

/* ---- stream.c ---- */

struct journal_stream *stream_new(struct journal *journal, bool control, struct books *books);
void stream_free(struct journal_stream *stream);
/* Records without looking whether the stream is ok. */
void stream_append(struct journal_stream *stream, struct record *record);
/* Hands the pending batch over to `batches`; the mutex is held. NULL: there was nothing. */
const struct batch *stream_queue(struct journal_stream *stream);
/* To those for the next turns, out of whatever list it is in. */
void stream_put_by(struct journal_stream *stream, struct batch *batch);
/* Tells the owner that `durable` or `breaks` has changed. */
void stream_notify(struct journal_stream *stream);

/* Something was written: the sync thread is to see to it. */
void journal_note(struct journal *journal, size_t slots);

#endif
