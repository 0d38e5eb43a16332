/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing segments. Of the last epoch each stream keeps its last segment, whose checkpoint stands
 * for those before. An epoch that is over goes as a whole, its control stream's first segment before
 * all others: a walk knows by that one whether the epoch can still be followed.
 */
#include "files.h"
#include "ledger/journal.h"

#include <string.h>

struct trim {
    struct ledger_io *io;
    const char *directory;
    struct files files;
    int64_t before_wall_ns;
    uint64_t last_epoch;
    uint64_t (*applied)(void *argument, uint32_t stream);
    void *argument;
    int removed;
};

static bool remove_file(struct trim *trim, const struct segment_file *file,
                        struct ledger_fault *fault)
{
    char path[FILES_PATH];
    files_path(trim->directory, file->stream, file->number, path);
    int error = trim->io->unlink(trim->io, path);
    if (error < 0)
        return ledger_fault_set(fault, "%s cannot be removed: %s", path, strerror(-error));
    trim->removed++;
    return true;
}

/* When the epoch was over: the one after it began. INT64_MAX: it is not. */
static int64_t epoch_end(const struct trim *trim, uint64_t epoch)
{
    int64_t end = INT64_MAX;
    for (size_t i = 0; i < trim->files.count; i++) {
        const struct segment_file *file = &trim->files.files[i];
        if (file->whole && file->head.control && file->head.epoch > epoch &&
            file->head.wall_ns < end)
            end = file->head.wall_ns;
    }
    return end;
}

static bool epoch_applied(const struct trim *trim, uint64_t epoch)
{
    for (size_t i = 0; i < trim->files.count; i++) {
        const struct segment_file *file = &trim->files.files[i];
        if (file->whole && file->head.epoch == epoch &&
            trim->applied(trim->argument, file->stream) != UINT64_MAX)
            return false;
    }
    return true;
}

static bool remove_epoch(struct trim *trim, uint64_t epoch, struct ledger_fault *fault)
{
    for (int control = 1; control >= 0; control--) {
        for (size_t i = 0; i < trim->files.count; i++) {
            const struct segment_file *file = &trim->files.files[i];
            if (file->whole && file->head.epoch == epoch && file->head.control == (control == 1) &&
                !remove_file(trim, file, fault))
                return false;
        }
        if (control == 1)
            trim->io->sync_directory(trim->io, trim->directory);
    }
    return true;
}

/* Oldest first, and none after one that has to stay. */
static bool trim_epochs(struct trim *trim, struct ledger_fault *fault)
{
    for (;;) {
        uint64_t oldest = trim->last_epoch;
        for (size_t i = 0; i < trim->files.count; i++) {
            const struct segment_file *file = &trim->files.files[i];
            if (file->whole && file->head.epoch < oldest)
                oldest = file->head.epoch;
        }
        if (oldest == trim->last_epoch || epoch_end(trim, oldest) >= trim->before_wall_ns ||
            !epoch_applied(trim, oldest))
            return true;
        if (!remove_epoch(trim, oldest, fault))
            return false;
        for (size_t i = 0; i < trim->files.count; i++) {
            if (trim->files.files[i].head.epoch == oldest)
                trim->files.files[i].whole = false;
        }
    }
}

/* A segment whose next one has a whole head, all of it applied, and old enough. */
static bool trim_last_epoch(struct trim *trim, struct ledger_fault *fault)
{
    for (size_t i = 0; i + 1 < trim->files.count; i++) {
        const struct segment_file *file = &trim->files.files[i], *next = file + 1;
        if (!file->whole || file->head.epoch != trim->last_epoch || file->last_seq == UINT64_MAX ||
            trim->applied(trim->argument, file->stream) < file->last_seq)
            continue;
        if (next->stream == file->stream && next->whole &&
            next->head.wall_ns < trim->before_wall_ns && !remove_file(trim, file, fault))
            return false;
    }
    return true;
}

int journal_trim(struct ledger_io *io, const char *directory, int64_t before_wall_ns,
                 uint64_t (*applied)(void *argument, uint32_t stream), void *argument,
                 struct ledger_fault *fault)
{
    struct trim trim = {.io = io,
                        .directory = directory,
                        .before_wall_ns = before_wall_ns,
                        .applied = applied,
                        .argument = argument};
    if (!files_read(io, directory, 0, &trim.files, fault))
        return -1;
    for (size_t i = 0; i < trim.files.count; i++) {
        const struct segment_file *file = &trim.files.files[i];
        if (file->whole && file->head.epoch > trim.last_epoch)
            trim.last_epoch = file->head.epoch;
    }
    bool fine = trim_epochs(&trim, fault) && trim_last_epoch(&trim, fault);
    files_fini(&trim.files);
    return fine ? trim.removed : -1;
}
