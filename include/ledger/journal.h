/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal, as it is written: one append-only stream a worker, in preallocated segments.
 *
 *   worker: journal_hold … journal_end … journal_receipt       into the turn's buffer
 *           journal_flush                                      one write: survives kill -9
 *   sync thread: fdatasync every 5 ms or 256 slots             survives power loss
 *           journal_wait's callbacks, on the worker's loop     (durability: strict)
 *
 * Flush before what was recorded takes effect: before the upstream request leaves, and before room
 * is given back. A write or sync that fails breaks the stream: journal_ok() is false, new holds are
 * refused, what ends running ones waits in memory; the sync thread writes all that was not yet on
 * the disk to a new file and goes on there as soon as that works. Nobody syncs a file again that has
 * failed. The same when the disk is full, except that a quarter of the segment (16 MiB at most) is
 * kept for what ends running holds.
 *
 * A stream belongs to one thread; other functions say theirs.
 */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include "base/list.h"
#include "ledger/books.h"
#include "ledger/io.h"

struct journal;
struct journal_stream;
struct loop;

#define JOURNAL_SEGMENT (64 << 20)
#define JOURNAL_WAITING (64 << 20)

struct journal_settings {
    struct ledger_io *io;
    const char *state_dir; /* made when it is not there; has `lock` and `journal/` */
    int64_t segment_bytes; /* 0: JOURNAL_SEGMENT; at least 16 KiB is taken */
    int64_t waiting_bytes; /* 0: JOURNAL_WAITING; see journal_receipt() */
    bool strict;           /* sync at once, not after 5 ms */
    bool must_exist;       /* a journal that is not there is a fault: a volume was not mounted */
};

/* Takes the lock, recovers, begins a new epoch: what was open is uncertain now. NULL with a fault:
 * another process has the lock, damage, a disk that does not work. Main thread, as the next five. */
struct journal *journal_open(const struct journal_settings *settings, struct ledger_fault *fault);
/* What was recovered: balances to start the cells from, budgets, parts that are uncertain. Until
 * journal_start(). */
const struct books *journal_recovered(const struct journal *journal);
/* Starts the sync thread. (A simulation calls journal_sync() instead.) */
void journal_start(struct journal *journal);
/* Ends the sync thread when there is one, then seals and closes the control stream; every other must
 * be closed. Accepts NULL. */
void journal_close(struct journal **address);
/* The stream of the thread that opened the journal: resolutions. */
struct journal_stream *journal_control(struct journal *journal);
/* One pass of the sync thread: true when every stream is fine. Any thread, one at a time. */
bool journal_sync(struct journal *journal);
/* state_dir/journal */
const char *journal_directory(const struct journal *journal);
/* For the database's `birth`. */
int64_t journal_birth(const struct journal *journal);

/* The budget of that name, unit and window, with its id; known from the records or new. Lives as
 * long as the journal. NULL: a name or window too long. Any thread. */
const struct ledger_budget *journal_budget(struct journal *journal,
                                           const struct ledger_budget *wanted);

/* ---- streams ---- */

/* The durability callbacks come on the loop (NULL: by journal_deliver() only). NULL with a fault:
 * its first segment cannot be made. On the thread that will own it. */
struct journal_stream *journal_stream_open(struct journal *journal, struct loop *loop,
                                           struct ledger_fault *fault);
/* Flushes, syncs, seals. Waiters that are left are told `false`. Accepts NULL. */
void journal_stream_close(struct journal_stream **address);

/* Whether new holds may be recorded. Any thread. */
bool journal_ok(const struct journal_stream *stream);

#define LEDGER_MAX_PARTS 64

/* One budget's part of a hold. */
struct ledger_part {
    const struct ledger_budget *budget;
    int64_t window_id;
    int64_t
        window_end_wall_ns; /* INT64_MAX: never; for a rolling one when this slot stops counting */
    int64_t limit;          /* in force when it was taken */
    int64_t amount;         /* held; grows by journal_extend */
    bool bound;             /* the amount is a bound: committed ≤ limit is to be proven */
    int64_t cost;           /* for journal_end */
    int64_t uncertain;      /* for journal_end */
};

/* A hold as the caller keeps it: with the parts, from journal_hold to journal_end. */
struct ledger_hold {
    struct id exchange;
    uint32_t attempt;
    uint16_t count; /* of parts, at most LEDGER_MAX_PARTS; 0: nothing is recorded */
    bool open;
    struct ledger_part *parts;
};

/* Records the hold, after the names of budgets (and limits) that this stream has not told yet.
 * False, and nothing is recorded, when the stream is not ok. */
bool journal_hold(struct journal_stream *stream, struct ledger_hold *hold);
/* Each part's amount grows by `more` (of its own unit's entry: more[i] for parts[i]). False as
 * above. */
bool journal_extend(struct journal_stream *stream, struct ledger_hold *hold, const int64_t *more);
/* Ends the hold with each part's cost and uncertain. Always recorded, at once or when the stream
 * works again. Does nothing when the hold is not open. */
void journal_end(struct journal_stream *stream, struct ledger_hold *hold);
/* Recorded as an end is, but where the stream does not work and so much waits in memory that a long
 * trouble with the disk would use it up: false, it is lost. */
bool journal_receipt(struct journal_stream *stream, const struct ledger_receipt *receipt);
/* What this node may spend of a shared budget alone, in all so far. False as above. */
bool journal_grant(struct journal_stream *stream, const struct ledger_part *grant);
/* An uncertain part, not resolved yet (journal_is_resolved; asserted), becomes `cost` spent, the rest
 * free. `first`: its hold's part that corrects the receipt. Recorded as an end is. */
void journal_resolve(struct journal_stream *stream, const struct books_part *part, int64_t cost,
                     bool first);

/* Whether this process has resolved any of the parts already (the database may not have heard). */
bool journal_is_resolved(struct journal_stream *stream, const struct books_part *parts,
                         size_t count);

/* Writes what was recorded since the last flush. False: it is not in a file, so what was held in
 * this turn must not be used, and must be ended. */
bool journal_flush(struct journal_stream *stream);

/* The last seq recorded; what is on the disk. The second: any thread. */
uint64_t journal_position(const struct journal_stream *stream);
uint64_t journal_durable(const struct journal_stream *stream);
uint32_t journal_stream_id(const struct journal_stream *stream);

/* Calls done(…, true) when all that was flushed before is on the disk, or false when the stream broke
 * first: never from within journal_wait. It may be cancelled. */
struct journal_waiter {
    struct list link; /* private */
    uint64_t seq;     /* private */
    void (*done)(struct journal_waiter *waiter, bool durable);
};
void journal_wait(struct journal_stream *stream, struct journal_waiter *waiter);
void journal_cancel(struct journal_waiter *waiter);
/* Calls those whose time has come. */
void journal_deliver(struct journal_stream *stream);

/* ---- for the database ---- */

/* How far a stream of this process is on the disk; UINT64_MAX: it is closed, or of an earlier
 * process. Any thread. */
uint64_t journal_stream_durable(struct journal *journal, uint32_t stream);
/* The last seq that is in a file; 0 as above. Any thread. */
uint64_t journal_written(struct journal *journal, uint32_t stream);

/* Rises whenever more is on the disk, or a stream begins or ends. Any thread. */
uint64_t journal_changes(const struct journal *journal);

/* Removes segments that nobody needs: all of whose records `applied` has passed (UINT64_MAX: a
 * stream of an earlier process, to its end), that a later checkpoint stands for, and that were over
 * before `before_wall_ns`. How many, or -1 with a fault. Any thread. */
int journal_trim(struct ledger_io *io, const char *directory, int64_t before_wall_ns,
                 uint64_t (*applied)(void *argument, uint32_t stream), void *argument,
                 struct ledger_fault *fault);

#endif
