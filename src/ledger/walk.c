/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All streams in order, epoch by epoch. The books start as the sum of the checkpoints of the
 * first epoch's streams; at each later epoch its control stream's first checkpoint, which the process
 * then wrote from what it had recovered, must say what we have come to.
 */
#include "cursor.h"
#include "files.h"

#include "base/memory.h"
#include "books_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct ledger_io *io;
    char *directory;
    enum walk_from from;
    struct files files;
    struct merge merge; /* of the streams of `epoch` */
    struct books *books;
    uint64_t epoch;
    uint64_t first_epoch;
    uint64_t last_epoch;
    uint64_t consistent_from;
    bool complete;
    uint64_t expired_epoch; /* its EPOCH record is in the books already; 0: of none */
    int64_t forgot_wall_ns;
    int64_t begun_wall_ns;
    bool changed;
    uint64_t order;
    uint64_t (*limit)(void *argument, uint32_t stream);
    void *limit_argument;
    bool loaded; /* the cursors of `epoch` are there */
    char place[CURSOR_PLACE];
};

/* ---- where to begin ---- */

/* The segment of a stream that the walk starts from. */
static const struct segment_file *start_of(const struct walk *walk, uint32_t stream)
{
    size_t from, to;
    const struct segment_file *last = NULL;
    files_of(&walk->files, stream, &from, &to);
    for (size_t i = from; i < to; i++) {
        if (!walk->files.files[i].whole)
            continue;
        if (walk->from == WALK_ALL)
            return &walk->files.files[i];
        last = &walk->files.files[i];
    }
    return last;
}

/* Calls `each` with the starting segment of every stream of the epoch. */
static bool each_stream(struct walk *walk, uint64_t epoch,
                        bool (*each)(struct walk *walk, const struct segment_file *file,
                                     struct ledger_fault *fault),
                        struct ledger_fault *fault)
{
    for (size_t i = 0; i < walk->files.count; i++) {
        uint32_t stream = walk->files.files[i].stream;
        if (i > 0 && walk->files.files[i - 1].stream == stream)
            continue;
        const struct segment_file *file = start_of(walk, stream);
        if (file != NULL && file->head.epoch == epoch && !each(walk, file, fault))
            return false;
    }
    return true;
}

/* An epoch can be followed from its control stream's first segment on; the last one from whatever
 * there is. (Of an epoch that is over, that segment is removed before all others.) */
static uint64_t find_first_epoch(const struct walk *walk)
{
    uint64_t first = walk->last_epoch;
    if (walk->from == WALK_LAST)
        return first;
    for (size_t i = 0; i < walk->files.count; i++) {
        const struct segment_file *file = &walk->files.files[i];
        if (file->whole && file->head.control && file->head.first_seq == 1 &&
            file->head.epoch < first)
            first = file->head.epoch;
    }
    return first;
}

static bool add_share(struct walk *walk, const struct segment_file *file,
                      struct ledger_fault *fault)
{
    struct books *share = books_new(true);
    bool fine = files_read_head(walk->io, walk->directory, file, share, fault);
    enum books_fault wrong = fine ? books_add(walk->books, share) : BOOKS_FINE;
    books_free(&share);
    bool first = file->head.first_seq == 1;
    /* What the other streams' checkpoints have as open was opened after the EPOCH record. */
    if (fine && wrong == BOOKS_FINE && first && file->head.control) {
        struct record epoch = {.kind = RECORD_EPOCH, .wall_ns = file->head.wall_ns};
        wrong = books_apply(walk->books, &epoch);
        walk->expired_epoch = file->head.epoch;
    }
    if (wrong != BOOKS_FINE)
        fine = ledger_fault_set(fault, "the checkpoint of stream %" PRIu32 ": %s", file->stream,
                                books_fault_text(wrong));
    if (!first || (file->head.control && file->head.epoch != 1))
        walk->complete = false;
    if (!first && file->head.order > walk->consistent_from)
        walk->consistent_from = file->head.order;
    if (file->head.forgot_wall_ns > walk->forgot_wall_ns)
        walk->forgot_wall_ns = file->head.forgot_wall_ns;
    if (file->head.order > walk->order)
        walk->order = file->head.order;
    if (file->head.control)
        walk->begun_wall_ns = file->head.wall_ns;
    return fine;
}

static bool add_control(struct walk *walk, const struct segment_file *file,
                        struct ledger_fault *fault)
{
    return !file->head.control || add_share(walk, file, fault);
}

static bool add_other(struct walk *walk, const struct segment_file *file,
                      struct ledger_fault *fault)
{
    return file->head.control || add_share(walk, file, fault);
}

static bool has_control(const struct walk *walk, uint64_t epoch)
{
    for (size_t i = 0; i < walk->files.count; i++) {
        const struct segment_file *file = &walk->files.files[i];
        if (file->whole && file->head.epoch == epoch && file->head.control)
            return true;
    }
    return false;
}

static bool begin(struct walk *walk, struct ledger_fault *fault)
{
    for (size_t i = 0; i < walk->files.count; i++) {
        const struct segment_file *file = &walk->files.files[i];
        if (file->whole && file->head.epoch > walk->last_epoch)
            walk->last_epoch = file->head.epoch;
    }
    if (walk->last_epoch == 0)
        return false;
    if (!has_control(walk, walk->last_epoch))
        return ledger_fault_set(fault, "%s: the control stream of epoch %" PRIu64 " is missing",
                                walk->directory, walk->last_epoch);
    walk->epoch = walk->first_epoch = find_first_epoch(walk);
    walk->complete = true;
    return each_stream(walk, walk->epoch, add_control, fault) &&
           each_stream(walk, walk->epoch, add_other, fault);
}

/* A stream without a whole head was about to begin; unless it has records that were on the disk. */
static bool nothing_lost(const struct walk *walk, struct ledger_fault *fault)
{
    for (size_t i = 0; i < walk->files.count; i++) {
        uint32_t stream = walk->files.files[i].stream;
        uint64_t claim;
        bool seen = i > 0 && walk->files.files[i - 1].stream == stream;
        if (seen || start_of(walk, stream) != NULL)
            continue;
        if (!files_claim(walk->io, walk->directory, &walk->files, stream, &claim, fault))
            return false;
        if (claim > 0)
            return ledger_fault_set(
                fault, "%s: every head of stream %" PRIu32 " is damaged, and it had records",
                walk->directory, stream);
    }
    return true;
}

struct walk *walk_open(struct ledger_io *io, const char *directory, enum walk_from from,
                       struct ledger_fault *fault)
{
    struct walk *walk = MEMORY_NEW(struct walk);
    fault->text[0] = '\0';
    walk->io = io;
    walk->directory = memory_string(directory, strlen(directory));
    walk->from = from;
    walk->forgot_wall_ns = INT64_MIN;
    walk->books = books_new(false);
    if (!files_read(io, directory, 0, &walk->files, fault) || !nothing_lost(walk, fault) ||
        !begin(walk, fault))
        walk_close(&walk);
    return walk;
}

void walk_close(struct walk **address)
{
    struct walk *walk = *address;
    if (walk == NULL)
        return;
    merge_fini(&walk->merge);
    files_fini(&walk->files);
    books_free(&walk->books);
    free(walk->directory);
    free(walk);
    *address = NULL;
}

void walk_limit(struct walk *walk, uint64_t (*last_seq)(void *argument, uint32_t stream),
                void *argument)
{
    walk->limit = last_seq;
    walk->limit_argument = argument;
}

/* ---- going on ---- */

static bool load_cursor(struct walk *walk, const struct segment_file *file,
                        struct ledger_fault *fault)
{
    struct cursor *cursor =
        cursor_open(walk->io, walk->directory, file->stream, file->head.first_seq, fault);
    if (cursor == NULL)
        return false;
    uint64_t upto = UINT64_MAX;
    if (walk->limit != NULL)
        upto = walk->limit(walk->limit_argument, file->stream);
    merge_add(&walk->merge, file->stream, cursor, upto);
    return true;
}

/* What the process of the next epoch recovered must be what we have come to. */
static bool check_epoch(struct walk *walk, const struct segment_file *file,
                        struct ledger_fault *fault)
{
    if (!file->head.control || walk->limit != NULL)
        return true;
    struct books *head = books_new(true);
    bool fine = files_read_head(walk->io, walk->directory, file, head, fault);
    size_t cursor = 0;
    for (const struct books_balance *told;
         fine && (told = books_next_balance(head, &cursor)) != NULL;) {
        const struct books_balance *found =
            books_balance(walk->books, told->budget, told->window_id);
        if (found == NULL || found->committed != told->committed || found->spent != told->spent ||
            found->uncertain != told->uncertain)
            fine = ledger_fault_set(fault,
                                    "the checkpoint of epoch %" PRIu64 " (stream %" PRIu32
                                    ") says otherwise of budget %" PRIu32 " window %" PRId64
                                    " than the records before it: damaged, or lost",
                                    file->head.epoch, file->stream, told->budget, told->window_id);
    }
    books_free(&head);
    return fine;
}

static bool load_epoch(struct walk *walk, struct ledger_fault *fault)
{
    walk->loaded = true;
    return each_stream(walk, walk->epoch, load_cursor, fault);
}

static bool next_epoch(struct walk *walk, struct ledger_fault *fault)
{
    merge_fini(&walk->merge);
    walk->epoch++;
    return each_stream(walk, walk->epoch, check_epoch, fault) && load_epoch(walk, fault);
}

bool walk_next(struct walk *walk, const struct record **out, struct ledger_fault *fault)
{
    fault->text[0] = '\0';
    if (!walk->loaded && !load_epoch(walk, fault))
        return false;
    enum cursor_verdict verdict;
    while ((verdict = merge_next(&walk->merge, out, fault)) == CURSOR_END) {
        if (walk->epoch == walk->last_epoch || !next_epoch(walk, fault))
            return false;
    }
    if (verdict == CURSOR_FAULT)
        return false;
    enum books_fault wrong = BOOKS_FINE;
    walk->changed = (*out)->kind != RECORD_EPOCH || walk->epoch != walk->expired_epoch;
    if (walk->changed)
        wrong = books_apply(walk->books, *out);
    if (wrong != BOOKS_FINE)
        return ledger_fault_set(fault, "%s: %s", walk_place(walk), books_fault_text(wrong));
    if ((*out)->order > walk->order)
        walk->order = (*out)->order;
    return true;
}

/* ---- what there is to know ---- */

uint32_t walk_stream(const struct walk *walk)
{
    return walk->merge.last->stream;
}

bool walk_changed(const struct walk *walk)
{
    return walk->changed;
}

bool walk_has(const struct walk *walk, uint64_t epoch)
{
    return epoch >= walk->first_epoch;
}

int64_t walk_begun_wall_ns(const struct walk *walk)
{
    return walk->begun_wall_ns;
}

const char *walk_place(struct walk *walk)
{
    return cursor_place(walk->merge.last->cursor, walk->place);
}

const struct books *walk_books(const struct walk *walk)
{
    return walk->books;
}

struct books *walk_take_books(struct walk *walk)
{
    struct books *books = walk->books;
    walk->books = NULL;
    books_set_share(books);
    return books;
}

uint64_t walk_consistent_from(const struct walk *walk)
{
    return walk->consistent_from;
}

bool walk_is_complete(const struct walk *walk)
{
    return walk->complete;
}

int64_t walk_forgot_wall_ns(const struct walk *walk)
{
    return walk->forgot_wall_ns;
}

struct walk_end walk_end(const struct walk *walk)
{
    struct walk_end end = {.epoch = walk->last_epoch, .order = walk->order};
    for (size_t i = 0; i < walk->files.count; i++) {
        const struct segment_file *file = &walk->files.files[i];
        if (file->stream > end.last_stream)
            end.last_stream = file->stream;
        if (file->whole)
            end.birth = file->head.birth;
    }
    return end;
}

/* ---- streams ---- */

bool streams_list(struct ledger_io *io, const char *directory, struct stream_info **out,
                  size_t *count, struct ledger_fault *fault)
{
    struct files files;
    *out = NULL;
    *count = 0;
    if (!files_read(io, directory, 0, &files, fault))
        return false;
    *out = memory_array(files.count, sizeof(**out));
    for (size_t i = 0; i < files.count; i++) {
        const struct segment_file *file = &files.files[i];
        if (!file->whole || (*count > 0 && (*out)[*count - 1].stream == file->stream))
            continue;
        (*out)[(*count)++] = (struct stream_info){
            .stream = file->stream,
            .control = file->head.control,
            .epoch = file->head.epoch,
            .birth = file->head.birth,
            .first_seq = file->head.first_seq,
        };
    }
    files_fini(&files);
    return true;
}

bool epoch_read(struct ledger_io *io, const char *directory, uint32_t stream, struct books *into,
                struct ledger_fault *fault)
{
    struct files files;
    if (!files_read(io, directory, stream, &files, fault))
        return false;
    const struct segment_file *first = NULL;
    for (size_t i = files.count; i-- > 0;) {
        if (files.files[i].whole && files.files[i].head.first_seq == 1)
            first = &files.files[i];
    }
    bool fine = first != NULL ? files_read_head(io, directory, first, into, fault)
                              : ledger_fault_set(fault,
                                                 "%s: the first segment of stream %" PRIu32
                                                 " is not there any more",
                                                 directory, stream);
    files_fini(&files);
    return fine;
}
