/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment files of a journal: DIRECTORY/STREAM-NUMBER.wj, their heads, and slots of them.
 *
 * A segment counts from the moment that its head is whole. Of two segments of a stream that have the
 * same seq the later one holds it: it was written again after a failed write or sync.
 */
#ifndef LEDGER_FILES_H
#define LEDGER_FILES_H

#include "ledger/books.h"
#include "ledger/io.h"

#define FILES_PATH 512

struct segment_file {
    uint32_t stream;
    uint64_t number;
    bool whole; /* its head is */
    struct segment_head head;
    uint64_t last_seq; /* a later segment goes on after it; UINT64_MAX: none does */
};

/* By stream, then number. */
struct files {
    struct segment_file *files;
    size_t count;
    size_t capacity;
    uint32_t only; /* of this stream; 0: all */
};

/* "DIRECTORY/STREAM-NUMBER.wj" into room (FILES_PATH bytes); returns room. */
char *files_path(const char *directory, uint32_t stream, uint64_t number, char *room);
/* Of one stream, or (0) of all. An absent directory has no files. */
bool files_read(struct ledger_io *io, const char *directory, uint32_t only, struct files *files,
                struct ledger_fault *fault);
void files_fini(struct files *files);

/* The files of one stream: [*from, *to). */
void files_of(const struct files *files, uint32_t stream, size_t *from, size_t *to);

/* The highest seq that any sound slot of the stream's last whole segment, and of those after it
 * that have no head, says was on the disk. */
bool files_claim(struct ledger_io *io, const char *directory, const struct files *files,
                 uint32_t stream, uint64_t *claim, struct ledger_fault *fault);

/* Applies the head's records to `into`. */
bool files_read_head(struct ledger_io *io, const char *directory, const struct segment_file *file,
                     struct books *into, struct ledger_fault *fault);

/* ---- slots ---- */

struct slots {
    struct ledger_io *io;
    int fd;         /* -1: none */
    uint64_t first; /* index of the first slot in the buffer */
    size_t count;
    uint8_t *bytes;
};

/* False: it cannot be opened; *error is the negative errno. */
bool slots_open(struct slots *slots, struct ledger_io *io, const char *path, int *error);
void slots_close(struct slots *slots);
/* The slots from `index` on: *count of them, RECORD_MAX_SLOTS at least unless the file ends; *count
 * 0 at its end, or when it cannot be read (*error then, else 0). */
const uint8_t *slots_at(struct slots *slots, uint64_t index, size_t *count, int *error);
/* Looks at the file anew: it may have been written. */
void slots_forget(struct slots *slots);

#endif
