/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's side of a stream: records into the turn's buffer, one write, callbacks. */
#include "journal_private.h"

#include "base/assert.h"
#include "base/memory.h"
#include "books_private.h"

#include <stdlib.h>

#define BATCH_SLOTS     256
#define BATCH_KEPT_MOST 4096 /* a larger one goes back to the system */
#define BATCHES_KEPT    16

/* ---- buffers ---- */

static struct batch *batch_new(void)
{
    struct batch *batch = MEMORY_NEW(struct batch);
    list_init(&batch->link);
    batch->capacity = BATCH_SLOTS;
    batch->bytes = memory_array(batch->capacity, RECORD_SLOT);
    return batch;
}

static void batch_free(struct batch *batch)
{
    free(batch->bytes);
    free(batch);
}

/* Under the mutex. */
static struct batch *batch_take(struct journal_stream *stream)
{
    if (list_empty(&stream->unused))
        return batch_new();
    struct batch *batch = LIST_ITEM(stream->unused.next, struct batch, link);
    list_remove(&batch->link);
    stream->unused_count--;
    if (batch->capacity > BATCH_KEPT_MOST) {
        batch_free(batch);
        return batch_new();
    }
    batch->slots = 0;
    return batch;
}

const struct batch *stream_queue(struct journal_stream *stream)
{
    struct batch *batch = stream->pending;
    if (batch->slots == 0)
        return NULL;
    batch->last_seq = stream->next_seq - 1;
    list_append(&stream->batches, &batch->link);
    stream->pending = batch_take(stream);
    return batch;
}

void stream_put_by(struct journal_stream *stream, struct batch *batch)
{
    list_remove(&batch->link);
    if (stream->unused_count == BATCHES_KEPT) {
        batch_free(batch);
        return;
    }
    list_append(&stream->unused, &batch->link);
    stream->unused_count++;
}

/* Puts the last batch to the one before it where that has room: a turn's is small, and a disk that is
 * slow lets hundreds of turns pass. Not to one that the sync under way has begun to make durable. */
static void join_last(struct journal_stream *stream)
{
    struct batch *last = LIST_ITEM(stream->batches.prev, struct batch, link);
    if (last->link.prev == &stream->batches)
        return;
    struct batch *before = LIST_ITEM(last->link.prev, struct batch, link);
    uint64_t first_seq = before->last_seq - before->slots + 1;
    if (before->slots + last->slots > before->capacity ||
        (stream->syncing && first_seq <= stream->syncing_to))
        return;
    memcpy(before->bytes + before->slots * RECORD_SLOT, last->bytes, last->slots * RECORD_SLOT);
    before->slots += last->slots;
    before->last_seq = last->last_seq;
    stream_put_by(stream, last);
}

/* ---- birth and end ---- */

struct journal_stream *stream_new(struct journal *journal, bool control, struct books *books)
{
    struct journal_stream *stream = MEMORY_NEW(struct journal_stream);
    list_init(&stream->link);
    list_init(&stream->waiters);
    list_init(&stream->batches);
    list_init(&stream->unused);
    stream->journal = journal;
    stream->id = ++journal->last_stream;
    stream->control = control;
    stream->books = books;
    stream->next_seq = 1;
    stream->fd = stream->spare = -1;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->idle, NULL);
    stream->pending = batch_new();
    return stream;
}

static void free_batches(struct list *batches)
{
    LIST_FOR_EACH (link, batches) {
        list_remove(link);
        batch_free(LIST_ITEM(link, struct batch, link));
    }
}

void stream_free(struct journal_stream *stream)
{
    free_batches(&stream->batches);
    free_batches(&stream->unused);
    batch_free(stream->pending);
    books_free(&stream->books);
    books_free(&stream->resolved);
    pthread_cond_destroy(&stream->idle);
    pthread_mutex_destroy(&stream->mutex);
    free(stream->limits);
    free(stream);
}

/* ---- records ---- */

void stream_append(struct journal_stream *stream, struct record *record)
{
    struct batch *batch = stream->pending;
    size_t slots = record_slots(record);
    uint64_t lag = stream->next_seq - 1 - atomic_load(&stream->durable);
    if (batch->slots + slots > batch->capacity) {
        batch->capacity = (batch->capacity + slots) * 2;
        batch->bytes = memory_resize(batch->bytes, batch->capacity, RECORD_SLOT);
    }
    record->seq = stream->next_seq;
    record->order = atomic_fetch_add(&stream->journal->order, 1) + 1;
    record->lag = lag < UINT32_MAX / 2 ? (uint32_t)lag : UINT32_MAX / 2;
    record_encode(record, batch->bytes + batch->slots * RECORD_SLOT);
    batch->slots += slots;
    stream->next_seq += slots;
}

/* The name comes before the first hold in each stream, so that none is ever without; the limit,
 * whenever it is another than the last. */
static void define(struct journal_stream *stream, const struct ledger_budget *budget, int64_t limit)
{
    if (budget->id >= stream->limit_count) {
        uint32_t count = budget->id + 1 + stream->limit_count / 2;
        stream->limits = memory_resize(stream->limits, count, sizeof(*stream->limits));
        for (uint32_t i = stream->limit_count; i < count; i++)
            stream->limits[i] = NO_LIMIT;
        stream->limit_count = count;
    }
    if (stream->limits[budget->id] == limit)
        return;
    stream->limits[budget->id] = limit;
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    struct record record = {.kind = RECORD_DEFINE};
    record.text = record_write_define(budget, limit, room);
    stream_append(stream, &record);
}

static struct record part_of(const struct journal_stream *stream, enum record_kind kind,
                             const struct ledger_hold *hold, uint16_t i)
{
    const struct ledger_part *part = &hold->parts[i];
    return (struct record){
        .kind = kind,
        .flags = part->bound ? RECORD_BOUND : 0,
        .key = {hold->exchange, hold->attempt, (uint16_t)(i + 1)},
        .parts = hold->count,
        .budget = part->budget->id,
        .window_id = part->window_id,
        .window_end_wall_ns = part->window_end_wall_ns,
        .amount = part->amount,
        .limit = part->limit,
        .wall_ns = stream->journal->io->now(stream->journal->io),
    };
}

bool journal_hold(struct journal_stream *stream, struct ledger_hold *hold)
{
    ASSERT(!hold->open && hold->count <= LEDGER_MAX_PARTS);
    if (!journal_ok(stream))
        return false;
    for (uint16_t i = 0; i < hold->count; i++) {
        ASSERT(hold->parts[i].amount >= 0);
        define(stream, hold->parts[i].budget, hold->parts[i].limit);
    }
    for (uint16_t i = 0; i < hold->count; i++) {
        struct record record = part_of(stream, RECORD_OPEN, hold, i);
        stream_append(stream, &record);
    }
    hold->open = true;
    return true;
}

bool journal_extend(struct journal_stream *stream, struct ledger_hold *hold, const int64_t *more)
{
    ASSERT(hold->open);
    if (!journal_ok(stream))
        return false;
    for (uint16_t i = 0; i < hold->count; i++) {
        struct ledger_part *part = &hold->parts[i];
        struct record record = part_of(stream, RECORD_EXTEND, hold, i);
        ASSERT(more[i] >= 0);
        record.amount = more[i];
        define(stream, part->budget, part->limit);
        stream_append(stream, &record);
        part->amount += more[i];
    }
    return true;
}

void journal_end(struct journal_stream *stream, struct ledger_hold *hold)
{
    if (!hold->open)
        return;
    hold->open = false;
    for (uint16_t i = 0; i < hold->count; i++) {
        struct record record = part_of(stream, RECORD_CLOSE, hold, i);
        record.cost = hold->parts[i].cost;
        record.uncertain = hold->parts[i].uncertain;
        ASSERT(record.cost >= 0 && record.uncertain >= 0);
        stream_append(stream, &record);
    }
}

bool journal_receipt(struct journal_stream *stream, const struct ledger_receipt *receipt)
{
    if (!journal_ok(stream) &&
        stream->next_seq - 1 - atomic_load(&stream->durable) >= stream->journal->waiting_slots)
        return false;
    uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
    struct record record = {.kind = RECORD_RECEIPT};
    record.text = record_write_receipt(receipt, room);
    stream_append(stream, &record);
    return true;
}

bool journal_grant(struct journal_stream *stream, const struct ledger_part *grant)
{
    if (!journal_ok(stream))
        return false;
    struct ledger_hold hold = {.parts = (struct ledger_part *)(uintptr_t)grant};
    struct record record = part_of(stream, RECORD_GRANT, &hold, 0);
    record.key = (struct part_key){.attempt = 0};
    define(stream, grant->budget, grant->limit);
    stream_append(stream, &record);
    return true;
}

void journal_resolve(struct journal_stream *stream, const struct books_part *part, int64_t cost,
                     bool first)
{
    ASSERT(part->state == PART_UNCERTAIN && cost >= 0);
    ASSERT(!journal_is_resolved(stream, part, 1));
    struct record record = {
        .kind = RECORD_RESOLVE,
        .flags = first ? RECORD_FIRST : 0,
        .key = part->key,
        .parts = part->parts,
        .budget = part->budget,
        .window_id = part->window_id,
        .window_end_wall_ns = part->window_end_wall_ns,
        .amount = part->amount,
        .cost = cost,
        .wall_ns = stream->journal->io->now(stream->journal->io),
    };
    stream_append(stream, &record);
    if (stream->resolved == NULL)
        stream->resolved = books_new(true);
    record.kind = RECORD_PART;
    record.state = PART_RESOLVED;
    books_note_part(stream->resolved, &record);
}

bool journal_is_resolved(struct journal_stream *stream, const struct books_part *parts,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (stream->resolved != NULL && books_part(stream->resolved, &parts[i].key) != NULL)
            return true;
    }
    return false;
}

bool journal_flush(struct journal_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    const struct batch *batch = stream_queue(stream);
    size_t slots = batch != NULL ? batch->slots : 0;
    if (batch != NULL) {
        stream_write(stream, batch);
        if (!list_empty(&stream->batches)) /* a new segment has made all durable */
            join_last(stream);
    }
    bool fine = !stream->broken;
    stream_set_ok(stream);
    pthread_mutex_unlock(&stream->mutex);
    if (slots > 0)
        journal_note(stream->journal, slots);
    return fine;
}

/* ---- what the owner may ask ---- */

bool journal_ok(const struct journal_stream *stream)
{
    return atomic_load_explicit(&stream->ok, memory_order_acquire);
}

uint64_t journal_position(const struct journal_stream *stream)
{
    return stream->next_seq - 1;
}

uint64_t journal_durable(const struct journal_stream *stream)
{
    return atomic_load_explicit(&stream->durable, memory_order_acquire);
}

uint32_t journal_stream_id(const struct journal_stream *stream)
{
    return stream->id;
}

/* ---- waiting for the disk ---- */

void stream_notify(struct journal_stream *stream)
{
    if (stream->inbox != NULL && !atomic_exchange(&stream->posted, true))
        inbox_post(stream->inbox, &stream->item);
}

void journal_wait(struct journal_stream *stream, struct journal_waiter *waiter)
{
    waiter->seq = stream->next_seq - 1;
    list_init(&waiter->link);
    list_append(&stream->waiters, &waiter->link);
    /* What it waits for may have happened already, or have failed. */
    stream_notify(stream);
}

void journal_cancel(struct journal_waiter *waiter)
{
    list_remove(&waiter->link);
}

void journal_deliver(struct journal_stream *stream)
{
    atomic_store(&stream->posted, false);
    uint64_t durable = journal_durable(stream);
    unsigned breaks = atomic_load(&stream->breaks);
    bool broke = breaks != stream->breaks_told;
    struct list due;
    stream->breaks_told = breaks;
    list_init(&due);
    LIST_FOR_EACH (link, &stream->waiters) {
        if (!broke && LIST_ITEM(link, struct journal_waiter, link)->seq > durable)
            break;
        list_remove(link);
        list_append(&due, link);
    }
    /* A callback may cancel others and wait anew. */
    while (!list_empty(&due)) {
        struct journal_waiter *waiter = LIST_ITEM(due.next, struct journal_waiter, link);
        list_remove(&waiter->link);
        waiter->done(waiter, waiter->seq <= durable);
    }
}
