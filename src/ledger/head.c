/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a segment: SEGMENT, then the checkpoint: DEFINE of each budget, BALANCE of each window
 * that has not ended, PART of each hold that is not over. It makes every segment a place to start.
 */
#include "journal_private.h"

#include "base/clock.h"
#include "base/memory.h"
#include "books_private.h"

#include <stdlib.h>

/* Windows are kept a while longer than they last: clocks are set back sometimes. */
#define GRACE_NS (10 * 60 * NS_PER_S)

static void put(struct head *head, struct record *record)
{
    size_t slots = record_slots(record);
    if (head->slots + slots > head->capacity) {
        head->capacity = (head->capacity + slots) * 2;
        head->bytes = memory_resize(head->bytes, head->capacity, RECORD_SLOT);
    }
    record->flags |= RECORD_IN_HEAD;
    record->seq = head->slots;
    record->order = head->told.first_seq - 1;
    record_encode(record, head->bytes + head->slots * RECORD_SLOT);
    head->slots += slots;
}

/* Which budgets something is left of; the last one always is kept, so that no id is given twice. */
static bool *find_used(const struct books *books, bool prune)
{
    uint32_t last = books_last_budget(books);
    bool *used = memory_array((size_t)last + 1, sizeof(*used));
    for (uint32_t id = 0; id <= last; id++)
        used[id] = !prune || id == last;
    size_t cursor = 0;
    for (const struct books_balance *b; (b = books_next_balance(books, &cursor)) != NULL;)
        used[b->budget] = true;
    cursor = 0;
    for (const struct books_part *p; (p = books_next_part(books, &cursor)) != NULL;)
        used[p->budget] = true;
    return used;
}

static void put_budgets(struct head *head, const struct books *books, bool prune)
{
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    bool *used = find_used(books, prune);
    for (uint32_t id = 1; id <= books_last_budget(books); id++) {
        const struct books_budget *budget = books_budget(books, id);
        if (budget == NULL || !used[id])
            continue;
        struct record record = {.kind = RECORD_DEFINE};
        record.text = record_write_define(&budget->budget, budget->limit, room);
        put(head, &record);
    }
    free(used);
}

static void put_entries(struct head *head, const struct books *books)
{
    size_t cursor = 0;
    for (const struct books_balance *b; (b = books_next_balance(books, &cursor)) != NULL;) {
        struct record record = books_balance_record(b);
        put(head, &record);
    }
    cursor = 0;
    for (const struct books_part *p; (p = books_next_part(books, &cursor)) != NULL;) {
        struct record record = books_part_record(p);
        put(head, &record);
    }
}

void head_make(struct head *head, struct journal_stream *stream, uint64_t known_seq, bool prune)
{
    struct journal *journal = stream->journal;
    int64_t now = journal->io->now(journal->io);
    *head = (struct head){.slots = 1, .capacity = 64};
    head->told = (struct segment_head){
        .stream = stream->id,
        .epoch = journal->epoch,
        .birth = journal->birth,
        .first_seq = atomic_load(&stream->durable) + 1,
        .known_seq = known_seq,
        .order = atomic_load(&journal->order),
        .wall_ns = now,
        .forgot_wall_ns = now - GRACE_NS,
        .control = stream->control,
    };
    head->bytes = memory_array(head->capacity, RECORD_SLOT);
    books_forget(stream->books, head->told.forgot_wall_ns);
    put_budgets(head, stream->books, prune);
    put_entries(head, stream->books);
}

void head_seal(struct head *head, uint64_t number, uint64_t file_slots)
{
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    head->told.number = number;
    head->told.slots = file_slots;
    head->told.head_slots = (uint32_t)head->slots;
    struct record record = {.kind = RECORD_SEGMENT,
                            .flags = RECORD_IN_HEAD,
                            .order = head->told.first_seq - 1,
                            .text = record_write_segment(&head->told, room)};
    record_encode(&record, head->bytes);
}
