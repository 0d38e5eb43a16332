/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the journal: one stream by a cursor, all of them in their common order by a walk.
 *
 *   stream 4   [head|r r r r r SEAL]  [head|r r r r r r|torn . . ]
 *                                      ^checkpoint      ^ends here
 *
 * A stream ends at the first slot that is empty or damaged: what follows was on its way when the
 * power went. But what some later record says was on the disk must be there, and so must all that a
 * later segment follows on: else it is damage, not a torn tail, and reading is refused with file
 * and offset. So a sum is right or there is none.
 */
#ifndef LEDGER_RECOVER_H
#define LEDGER_RECOVER_H

#include "ledger/books.h"
#include "ledger/io.h"

struct cursor;
struct walk;

enum cursor_verdict {
    CURSOR_RECORD, /* *out is the next one, valid until the next call */
    CURSOR_END,    /* nothing more up to `upto`, for now */
    CURSOR_FAULT,  /* *fault says what, and where */
};

/* Reads a stream from `from_seq` (≥ 1) on. `directory` is the journal's. NULL: there is no such
 * stream, or it has not (any more) what is asked for, or it cannot be read. */
struct cursor *cursor_open(struct ledger_io *io, const char *directory, uint32_t stream,
                           uint64_t from_seq, struct ledger_fault *fault);
/* Accepts NULL. */
void cursor_close(struct cursor **address);
/* Of a stream that is being written, `upto` is what the writer says is on the disk: it must be
 * there. UINT64_MAX of one that is not: all there is. */
enum cursor_verdict cursor_next(struct cursor *cursor, uint64_t upto, const struct record **out,
                                struct ledger_fault *fault);

/* A stream, as its files say. */
struct stream_info {
    uint32_t stream;
    bool control;
    uint64_t epoch;
    int64_t birth;
    uint64_t first_seq; /* of its oldest segment that is kept */
};
/* Every stream that has a segment, lowest first; free() the array. */
bool streams_list(struct ledger_io *io, const char *directory, struct stream_info **out,
                  size_t *count, struct ledger_fault *fault);

/* The checkpoint from which the records of an epoch count on: its parts, before the EPOCH record
 * made the open ones uncertain. `stream` is its control stream. */
bool epoch_read(struct ledger_io *io, const char *directory, uint32_t stream, struct books *into,
                struct ledger_fault *fault);

enum walk_from {
    WALK_LAST, /* from the last checkpoints: the fastest way to the books as they are */
    WALK_ALL,  /* from the oldest records that the books can be followed from */
};

/* NULL: no journal, when fault->text is empty; else it cannot be read. */
struct walk *walk_open(struct ledger_io *io, const char *directory, enum walk_from from,
                       struct ledger_fault *fault);
/* Accepts NULL. */
void walk_close(struct walk **address);
/* What was applied so far, for comparing with it: each stream stops after the seq that this says (0:
 * before its first). Before the first walk_next. */
void walk_limit(struct walk *walk, uint64_t (*last_seq)(void *argument, uint32_t stream),
                void *argument);
/* The next record in order, already applied to the books; valid until the next call. False at the
 * end, and with a fault (fault->text is not empty then). */
bool walk_next(struct walk *walk, const struct record **out, struct ledger_fault *fault);
/* Whether the record changed the books. (The EPOCH record of the epoch that the walk began with is in
 * them from the beginning.) */
bool walk_changed(const struct walk *walk);
/* Whether it goes through that epoch. */
bool walk_has(const struct walk *walk, uint64_t epoch);
/* When the checkpoint was made that the walk started from. */
int64_t walk_begun_wall_ns(const struct walk *walk);
/* Where the record was: its stream, and "FILE offset N" for people. */
uint32_t walk_stream(const struct walk *walk);
const char *walk_place(struct walk *walk);
/* The books after the records so far, before them those of the checkpoints. */
const struct books *walk_books(const struct walk *walk);
/* Takes them, for a stream to go on with; the walk is over. */
struct books *walk_take_books(struct walk *walk);
/* The checkpoints that a walk starts from were not made at one moment: from this order on the books
 * are those of a moment. */
uint64_t walk_consistent_from(const struct walk *walk);
/* Whether the walk began with the journal's first record: nothing has been removed. */
bool walk_is_complete(const struct walk *walk);
/* The latest time (of the checkpoints that it started from) at which windows were forgotten; the
 * windows that end later are complete. */
int64_t walk_forgot_wall_ns(const struct walk *walk);

/* What is known of the journal at the end of a walk over it. */
struct walk_end {
    uint64_t epoch;
    uint64_t order;       /* the last */
    uint32_t last_stream; /* the highest number in use */
    int64_t birth;
};
struct walk_end walk_end(const struct walk *walk);

#endif
