/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream, record by record, from segment to segment. A stream that is being written is read
 * only as far as its writer says that it is on the disk; there every slot must be sound, once the
 * file has been looked at anew.
 */
#include "cursor.h"

#include "base/assert.h"
#include "base/memory.h"
#include "files.h"
#include "record_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    struct ledger_io *io;
    char *directory;
    uint32_t stream;
    struct files files;              /* of the stream */
    const struct segment_file *file; /* open in slots; NULL: none */
    struct slots slots;
    uint64_t index; /* of the next slot in it */
    uint64_t next_seq;
    bool is_over;          /* the files were read since nobody writes the stream any more */
    uint64_t record_index; /* of the last record, in record_number */
    uint64_t record_number;
    struct record record;
    uint8_t room[RECORD_TEXT_MAX];
};

static const char *path_of(const struct cursor *cursor, uint64_t number, char *room)
{
    return files_path(cursor->directory, cursor->stream, number, room);
}

/* ---- segments ---- */

static bool look_again(struct cursor *cursor, struct ledger_fault *fault)
{
    slots_close(&cursor->slots);
    cursor->file = NULL;
    files_fini(&cursor->files);
    return files_read(cursor->io, cursor->directory, cursor->stream, &cursor->files, fault);
}

/* Opens the segment that has next_seq: the last one that begins at it or before. */
static bool find_segment(struct cursor *cursor, struct ledger_fault *fault)
{
    const struct segment_file *found = NULL;
    for (size_t i = 0; i < cursor->files.count; i++) {
        const struct segment_file *file = &cursor->files.files[i];
        if (file->whole && file->head.first_seq <= cursor->next_seq)
            found = file;
    }
    if (found == NULL)
        return ledger_fault_set(fault, "%s: stream %" PRIu32 " has no record %" PRIu64 " any more",
                                cursor->directory, cursor->stream, cursor->next_seq);
    char path[FILES_PATH];
    int error;
    slots_close(&cursor->slots);
    cursor->file = NULL;
    if (!slots_open(&cursor->slots, cursor->io, path_of(cursor, found->number, path), &error))
        return ledger_fault_set(fault, "%s cannot be opened: %s", path, strerror(-error));
    cursor->file = found;
    cursor->index = found->head.head_slots + (cursor->next_seq - found->head.first_seq);
    return true;
}

struct cursor *cursor_open(struct ledger_io *io, const char *directory, uint32_t stream,
                           uint64_t from_seq, struct ledger_fault *fault)
{
    ASSERT(from_seq >= 1);
    struct cursor *cursor = MEMORY_NEW(struct cursor);
    cursor->io = io;
    cursor->directory = memory_string(directory, strlen(directory));
    cursor->stream = stream;
    cursor->next_seq = from_seq;
    if (!files_read(io, directory, stream, &cursor->files, fault) || !find_segment(cursor, fault))
        cursor_close(&cursor);
    return cursor;
}

void cursor_close(struct cursor **address)
{
    struct cursor *cursor = *address;
    if (cursor == NULL)
        return;
    slots_close(&cursor->slots);
    files_fini(&cursor->files);
    free(cursor->directory);
    free(cursor);
    *address = NULL;
}

/* ---- records ---- */

static enum record_verdict read_record(struct cursor *cursor, int *error)
{
    size_t count;
    const uint8_t *at = slots_at(&cursor->slots, cursor->index, &count, error);
    enum record_verdict verdict = record_decode(at, count, cursor->room, &cursor->record);
    if (verdict != RECORD_GOOD)
        return verdict;
    const struct record *record = &cursor->record;
    if (record->kind == RECORD_SEAL)
        return RECORD_EMPTY;
    bool fits =
        record->seq == cursor->next_seq && record->more <= cursor->file->last_seq - record->seq;
    return fits ? RECORD_GOOD : RECORD_BAD;
}

static enum cursor_verdict refuse(struct cursor *cursor, struct ledger_fault *fault,
                                  const char *what)
{
    char path[FILES_PATH];
    ledger_fault_set(fault, "%s offset %" PRIu64 ": %s (record %" PRIu64 " of stream %" PRIu32 ")",
                     path_of(cursor, cursor->file->number, path), cursor->index * RECORD_SLOT, what,
                     cursor->next_seq, cursor->stream);
    return CURSOR_FAULT;
}

/* No sound record here. A torn tail, unless something says that it was on the disk. */
static enum cursor_verdict at_end(struct cursor *cursor, uint64_t upto, struct ledger_fault *fault)
{
    uint64_t claim = upto;
    if (cursor->file->last_seq != UINT64_MAX)
        return refuse(cursor, fault, "damaged: a later segment goes on after it");
    if (upto == UINT64_MAX &&
        !files_claim(cursor->io, cursor->directory, &cursor->files, cursor->stream, &claim, fault))
        return CURSOR_FAULT;
    if (claim >= cursor->next_seq)
        return refuse(cursor, fault, "damaged: it was on the disk, as other records say");
    return CURSOR_END;
}

static enum cursor_verdict deliver(struct cursor *cursor, const struct record **out)
{
    cursor->record_index = cursor->index;
    cursor->record_number = cursor->file->number;
    cursor->index += 1u + cursor->record.more;
    cursor->next_seq += 1u + cursor->record.more;
    *out = &cursor->record;
    return CURSOR_RECORD;
}

enum cursor_verdict cursor_next(struct cursor *cursor, uint64_t upto, const struct record **out,
                                struct ledger_fault *fault)
{
    bool ended = upto == UINT64_MAX;
    bool looked = ended && cursor->is_over; /* what nobody writes does not change */
    if (cursor->next_seq > upto)
        return CURSOR_END;
    for (;;) {
        bool passed = cursor->file == NULL || cursor->next_seq > cursor->file->last_seq;
        if (passed && !find_segment(cursor, fault))
            return CURSOR_FAULT;
        int error;
        enum record_verdict verdict = read_record(cursor, &error);
        if (error != 0)
            return refuse(cursor, fault, strerror(-error));
        if (verdict == RECORD_GOOD)
            return deliver(cursor, out);
        if (verdict == RECORD_UNKNOWN)
            return refuse(cursor, fault, "of a kind that only a later version knows");
        if (looked)
            return at_end(cursor, upto, fault);
        looked = true;
        if (!look_again(cursor, fault))
            return CURSOR_FAULT;
        cursor->is_over = ended;
    }
}

bool cursor_follows(struct cursor *cursor)
{
    const struct segment_head *head = &cursor->file->head;
    size_t count;
    int error;
    if (cursor->next_seq == head->first_seq)
        return true; /* the head says so */
    const uint8_t *at = slots_at(&cursor->slots, cursor->index - 1, &count, &error);
    return count > 0 && record_is(at, cursor->next_seq - 1);
}

const char *cursor_place(const struct cursor *cursor, char *room)
{
    char path[FILES_PATH];
    snprintf(room, CURSOR_PLACE, "%s offset %" PRIu64, path_of(cursor, cursor->record_number, path),
             cursor->record_index * RECORD_SLOT);
    return room;
}
