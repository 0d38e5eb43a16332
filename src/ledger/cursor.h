/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* More of cursors, and several of them in the common order of their records. */
#ifndef LEDGER_CURSOR_H
#define LEDGER_CURSOR_H

#include "ledger/recover.h"

#define CURSOR_PLACE 600
/* "FILE offset N" of the last record, into room (CURSOR_PLACE bytes); returns room. */
const char *cursor_place(const struct cursor *cursor, char *room);

/* Whether the slot before the cursor's first record, which the caller relies on, is there. */
bool cursor_follows(struct cursor *cursor);

struct merge_source {
    struct cursor *cursor;
    uint32_t stream;
    uint64_t upto;
    const struct record *next; /* read, and not delivered yet */
    bool ended;                /* for now */
};

struct merge {
    struct merge_source *sources;
    size_t count;
    struct merge_source *last; /* where the last record came from */
};

/* Takes the cursor. */
void merge_add(struct merge *merge, uint32_t stream, struct cursor *cursor, uint64_t upto);
void merge_fini(struct merge *merge);
/* The record of the lowest order among those that are there. CURSOR_END: none is. Sources whose
 * `ended` is set are not asked. */
enum cursor_verdict merge_next(struct merge *merge, const struct record **out,
                               struct ledger_fault *fault);

#endif
