/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Which segments there are, and what their heads say. */
#include "files.h"

#include "base/memory.h"
#include "record_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *files_path(const char *directory, uint32_t stream, uint64_t number, char *room)
{
    snprintf(room, FILES_PATH, "%s/%04" PRIu32 "-%06" PRIu64 ".wj", directory, stream, number);
    return room;
}

/* ---- the list ---- */

static bool parse_name(const char *name, uint32_t *stream, uint64_t *number)
{
    int end = 0;
    return sscanf(name, "%" SCNu32 "-%" SCNu64 ".wj%n", stream, number, &end) == 2 && end > 0 &&
           name[end] == '\0';
}

static void add_name(void *argument, const char *name)
{
    struct files *files = argument;
    struct segment_file file = {.last_seq = UINT64_MAX};
    if (!parse_name(name, &file.stream, &file.number))
        return;
    if (files->only != 0 && file.stream != files->only)
        return;
    if (files->count == files->capacity) {
        files->capacity = files->capacity == 0 ? 16 : files->capacity * 2;
        files->files = memory_resize(files->files, files->capacity, sizeof(*files->files));
    }
    files->files[files->count++] = file;
}

static int compare(const void *left, const void *right)
{
    const struct segment_file *a = left, *b = right;
    if (a->stream != b->stream)
        return a->stream < b->stream ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* ---- heads ---- */

static bool read_fault(struct ledger_fault *fault, const char *path, int error)
{
    return ledger_fault_set(fault, "%s cannot be read: %s", path, strerror(-error));
}

static bool version_fault(struct ledger_fault *fault, const char *path, uint64_t index, int kind)
{
    return ledger_fault_set(fault,
                            "%s offset %" PRIu64 ": a record of kind %d is from a later version",
                            path, index * RECORD_SLOT, kind);
}

/* The record at a place of the head, *index then after it. False when it is not sound. */
static bool head_record(struct slots *slots, uint64_t *index, uint8_t *room, struct record *out,
                        int *error)
{
    size_t count;
    const uint8_t *at = slots_at(slots, *index, &count, error);
    enum record_verdict verdict = *error != 0 ? RECORD_SHORT : record_decode(at, count, room, out);
    bool good = verdict == RECORD_GOOD && (out->flags & RECORD_IN_HEAD) != 0 && out->seq == *index;
    if (good)
        out->flags = (uint8_t)(out->flags & ~RECORD_IN_HEAD);
    *index += 1u + (good ? out->more : 0u);
    return good || verdict == RECORD_UNKNOWN;
}

/* Reads the head, applies it to `into` where that is not NULL. False with a fault; *whole says
 * whether all of it is there. */
static bool walk_head(struct slots *slots, const char *path, struct segment_file *file,
                      struct books *into, bool *whole, struct ledger_fault *fault)
{
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    struct record record;
    uint64_t index = 0, last = 1;
    int error = 0;
    *whole = false;
    while (index < last) {
        uint64_t at = index;
        if (!head_record(slots, &index, room, &record, &error))
            return error == 0 || read_fault(fault, path, error);
        if (record.kind > RECORD_KIND_LAST)
            return version_fault(fault, path, at, (int)record.kind);
        if (at == 0) {
            if (record.kind != RECORD_SEGMENT || !record_read_segment(record.text, &file->head))
                return true;
            last = file->head.head_slots;
        } else if (record.order != file->head.first_seq - 1) {
            return true;
        }
        enum books_fault wrong = into != NULL ? books_apply(into, &record) : BOOKS_FINE;
        if (wrong != BOOKS_FINE)
            return ledger_fault_set(fault, "%s offset %" PRIu64 ": %s", path, at * RECORD_SLOT,
                                    books_fault_text(wrong));
    }
    *whole = true;
    return true;
}

static bool with_head(struct ledger_io *io, const char *directory, struct segment_file *file,
                      struct books *into, struct ledger_fault *fault)
{
    char path[FILES_PATH];
    struct slots slots;
    int error;
    files_path(directory, file->stream, file->number, path);
    if (!slots_open(&slots, io, path, &error))
        return error == -ENOENT || read_fault(fault, path, error);
    bool fine = walk_head(&slots, path, file, into, &file->whole, fault);
    int64_t size = io->size(io, slots.fd);
    slots_close(&slots);
    if (fine && file->whole && size / RECORD_SLOT < (int64_t)file->head.slots)
        return ledger_fault_set(fault, "%s is cut short: %" PRId64 " bytes of %" PRIu64, path, size,
                                file->head.slots * RECORD_SLOT);
    if (fine && file->whole && file->head.stream != file->stream)
        return ledger_fault_set(fault, "%s is a segment of stream %" PRIu32, path,
                                file->head.stream);
    return fine;
}

bool files_read_head(struct ledger_io *io, const char *directory, const struct segment_file *file,
                     struct books *into, struct ledger_fault *fault)
{
    struct segment_file again = *file;
    if (!with_head(io, directory, &again, into, fault))
        return false;
    char path[FILES_PATH];
    return again.whole || ledger_fault_set(fault, "%s has lost its head",
                                           files_path(directory, file->stream, file->number, path));
}

/* A segment ends where a later one of its stream goes on. */
static void set_bounds(struct files *files)
{
    uint64_t bound = UINT64_MAX;
    for (size_t i = files->count; i-- > 0;) {
        struct segment_file *file = &files->files[i];
        if (i + 1 < files->count && files->files[i + 1].stream != file->stream)
            bound = UINT64_MAX;
        if (!file->whole)
            continue;
        file->last_seq = bound;
        if (file->head.first_seq - 1 < bound)
            bound = file->head.first_seq - 1;
    }
}

bool files_read(struct ledger_io *io, const char *directory, uint32_t only, struct files *files,
                struct ledger_fault *fault)
{
    *files = (struct files){.only = only};
    int error = io->list(io, directory, add_name, files);
    if (error < 0 && error != -ENOENT)
        return read_fault(fault, directory, error);
    if (files->count > 0)
        qsort(files->files, files->count, sizeof(*files->files), compare);
    for (size_t i = 0; i < files->count; i++) {
        if (!with_head(io, directory, &files->files[i], NULL, fault)) {
            files_fini(files);
            return false;
        }
    }
    set_bounds(files);
    return true;
}

void files_fini(struct files *files)
{
    free(files->files);
    *files = (struct files){.files = NULL};
}

void files_of(const struct files *files, uint32_t stream, size_t *from, size_t *to)
{
    for (*from = 0; *from < files->count && files->files[*from].stream < stream;)
        ++*from;
    for (*to = *from; *to < files->count && files->files[*to].stream == stream;)
        ++*to;
}

/* ---- what must be there ---- */

static bool scan_claims(struct ledger_io *io, const char *path, uint64_t *claim,
                        struct ledger_fault *fault)
{
    struct slots slots;
    size_t count;
    int error;
    if (!slots_open(&slots, io, path, &error))
        return error == -ENOENT || read_fault(fault, path, error);
    for (uint64_t index = 0;; index += count) {
        const uint8_t *at = slots_at(&slots, index, &count, &error);
        if (count == 0)
            break;
        for (size_t i = 0; i < count; i++) {
            uint64_t durable;
            if (record_claim(at + i * RECORD_SLOT, &durable) && durable > *claim)
                *claim = durable;
        }
    }
    slots_close(&slots);
    return error == 0 || read_fault(fault, path, error);
}

bool files_claim(struct ledger_io *io, const char *directory, const struct files *files,
                 uint32_t stream, uint64_t *claim, struct ledger_fault *fault)
{
    size_t from, to;
    files_of(files, stream, &from, &to);
    *claim = 0;
    for (size_t i = to; i-- > from;) {
        char path[FILES_PATH];
        files_path(directory, stream, files->files[i].number, path);
        if (!scan_claims(io, path, claim, fault))
            return false;
        if (files->files[i].whole && files->files[i].head.known_seq > *claim)
            *claim = files->files[i].head.known_seq;
        if (files->files[i].whole)
            break;
    }
    return true;
}
