/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal as a whole: the lock, a new epoch, the budgets' ids, the streams, the sync thread.
 *
 * At the start everything that was recovered goes into one checkpoint, at the head of this epoch's
 * control stream, and an EPOCH record after it. Only when both are on the disk does anything else
 * of the epoch begin; so all records of earlier epochs come before all of this one.
 */
#include "journal_private.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "ledger/recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SYNC_NS       (5 * NS_PER_MS)
#define SYNC_SLOTS    256
#define RETRY_NS      (100 * NS_PER_MS) /* while a stream is broken, or without room */
#define LEAST_SEGMENT (16 << 10)
#define MOST_RESERVED (16 << 20)

/* ---- budgets ---- */

/* What tells one budget from another. */
static struct span identity(const struct ledger_budget *budget, char *room, size_t size)
{
    int len = snprintf(room, size, "%d %u %s %s", (int)budget->unit, budget->window_span,
                       budget->window, budget->name);
    return span_make(room, (size_t)len);
}

#define IDENTITY_SIZE (LEDGER_NAME_MAX + LEDGER_WINDOW_MAX + 32)

struct known_budget {
    struct ledger_budget budget;
    char *identity;
};

static struct ledger_budget *learn_budget(struct journal *journal, uint32_t id,
                                          const struct ledger_budget *budget, struct span key)
{
    struct known_budget *known = MEMORY_NEW(struct known_budget);
    known->identity = memory_string(key.ptr, key.len);
    known->budget = *budget;
    known->budget.id = id;
    known->budget.name = memory_string(budget->name, strlen(budget->name));
    known->budget.window = memory_string(budget->window, strlen(budget->window));
    table_put(&journal->by_name, span_from_string(known->identity), known);
    if (id > journal->last_budget)
        journal->last_budget = id;
    return &known->budget;
}

const struct ledger_budget *journal_budget(struct journal *journal,
                                           const struct ledger_budget *wanted)
{
    char room[IDENTITY_SIZE] UNINITIALIZED;
    if (strlen(wanted->name) > LEDGER_NAME_MAX || strlen(wanted->window) > LEDGER_WINDOW_MAX)
        return NULL;
    ASSERT(wanted->window_span >= 1);
    struct span key = identity(wanted, room, sizeof(room));
    pthread_mutex_lock(&journal->names);
    struct known_budget *known = table_get(&journal->by_name, key);
    const struct ledger_budget *budget =
        known != NULL ? &known->budget
                      : learn_budget(journal, journal->last_budget + 1, wanted, key);
    pthread_mutex_unlock(&journal->names);
    return budget;
}

static void learn_budgets(struct journal *journal, const struct books *books)
{
    char room[IDENTITY_SIZE] UNINITIALIZED;
    for (uint32_t id = 1; id <= books_last_budget(books); id++) {
        const struct books_budget *budget = books_budget(books, id);
        if (budget != NULL)
            learn_budget(journal, id, &budget->budget,
                         identity(&budget->budget, room, sizeof(room)));
    }
}

static void forget_budgets(struct journal *journal)
{
    size_t cursor = 0;
    for (struct table_slot *slot; (slot = table_next(&journal->by_name, &cursor)) != NULL;) {
        struct known_budget *known = slot->value;
        free((char *)(uintptr_t)known->budget.name);
        free((char *)(uintptr_t)known->budget.window);
        free(known->identity);
        free(known);
    }
    table_fini(&journal->by_name);
}

/* ---- opening ---- */

static bool take_lock(struct journal *journal, struct ledger_fault *fault)
{
    struct ledger_io *io = journal->io;
    char path[FILES_PATH];
    int error = io->make_directory(io, journal->state_dir);
    if (error >= 0)
        error = io->make_directory(io, journal->directory);
    if (error < 0)
        return ledger_fault_set(fault, "%s cannot be made: %s", journal->directory,
                                strerror(-error));
    snprintf(path, sizeof(path), "%s/lock", journal->state_dir);
    journal->lock = io->lock(io, path);
    if (journal->lock == -EWOULDBLOCK)
        return ledger_fault_set(fault, "%s is locked: another weir uses this state_dir", path);
    if (journal->lock < 0)
        return ledger_fault_set(fault, "%s cannot be locked: %s", path, strerror(-journal->lock));
    return true;
}

/* Writes the slots from `index` on once more, as far as they are sound. */
static int write_again(const struct journal *journal, const char *path, int fd, uint64_t index)
{
    struct slots slots;
    size_t count = 1;
    int error;
    if (!slots_open(&slots, journal->io, path, &error))
        return error;
    while (count > 0 && error == 0) {
        const uint8_t *at = slots_at(&slots, index, &count, &error);
        size_t sound = 0;
        for (uint64_t claim; sound < count && record_claim(at + sound * RECORD_SLOT, &claim);)
            sound++;
        if (error == 0 && sound > 0) {
            int64_t put = journal->io->write(journal->io, fd, at, sound * RECORD_SLOT,
                                             (int64_t)(index * RECORD_SLOT));
            error = put < 0 ? (int)put : 0;
        }
        index += count;
        count = sound < count ? 0 : count;
    }
    slots_close(&slots);
    return error;
}

/* What was read may be in the page cache only, and a sync of the process before may have failed, so
 * that another would only say that it worked: what no record says was on the disk is written again,
 * then synced. */
static bool settle_file(const struct journal *journal, const struct files *files,
                        const struct segment_file *file, struct ledger_fault *fault)
{
    struct ledger_io *io = journal->io;
    char path[FILES_PATH];
    uint64_t claim, index = 0;
    if (!files_claim(io, journal->directory, files, file->stream, &claim, fault))
        return false;
    if (claim >= file->head.first_seq)
        index = file->head.head_slots + (claim + 1 - file->head.first_seq);
    files_path(journal->directory, file->stream, file->number, path);
    int fd = io->open(io, path, LEDGER_OPEN_WRITE);
    int error = fd < 0 ? fd : write_again(journal, path, fd, index);
    if (error >= 0)
        error = io->sync(io, fd);
    if (fd >= 0)
        io->close(io, fd);
    return error >= 0 || ledger_fault_set(fault, "%s cannot be synced: %s", path, strerror(-error));
}

/* Every last segment; those without a whole head have nothing. */
static bool settle_files(struct journal *journal, uint64_t epoch, struct ledger_fault *fault)
{
    struct ledger_io *io = journal->io;
    struct files files;
    bool fine = files_read(io, journal->directory, 0, &files, fault);
    for (size_t i = 0; fine && i < files.count; i++) {
        const struct segment_file *file = &files.files[i];
        char path[FILES_PATH];
        files_path(journal->directory, file->stream, file->number, path);
        if (!file->whole) {
            io->unlink(io, path);
            continue;
        }
        if (file->head.epoch == epoch && file->last_seq == UINT64_MAX)
            fine = settle_file(journal, &files, file, fault);
    }
    files_fini(&files);
    return fine;
}

/* The books as they are at the end of the journal. */
static struct books *recover(struct journal *journal, bool must_exist, struct ledger_fault *fault)
{
    struct books *books = NULL;
    struct walk *walk = walk_open(journal->io, journal->directory, WALK_LAST, fault);
    bool fine = walk != NULL || fault->text[0] == '\0';
    if (walk == NULL && fine && must_exist)
        fine = ledger_fault_set(fault, "%s has no journal, and ledger.must_exist is set",
                                journal->directory);
    struct walk_end end = {.epoch = 0};
    const struct record *record;
    while (walk != NULL && walk_next(walk, &record, fault))
        continue;
    if (walk != NULL) {
        end = walk_end(walk);
        fine = fault->text[0] == '\0';
    }
    if (fine)
        books = walk != NULL ? walk_take_books(walk) : books_new(true);
    walk_close(&walk);
    journal->epoch = end.epoch + 1;
    journal->last_stream = end.last_stream;
    journal->birth = end.epoch > 0 ? end.birth : journal->io->now(journal->io);
    atomic_store(&journal->order, end.order);
    if (!fine || !settle_files(journal, end.epoch, fault))
        books_free(&books);
    return books;
}

/* Starts the epoch with what was recovered. */
static bool begin_epoch(struct journal *journal, struct books *books, struct ledger_fault *fault)
{
    learn_budgets(journal, books);
    journal->control = stream_new(journal, true, books);
    list_append(&journal->streams, &journal->control->link);
    struct record record = {.kind = RECORD_EPOCH, .wall_ns = journal->io->now(journal->io)};
    stream_append(journal->control, &record);
    stream_queue(journal->control);
    if (!stream_revive(journal->control, true))
        return ledger_fault_set(fault, "%s: a first segment cannot be written", journal->directory);
    return true;
}

static void set_sizes(struct journal *journal, const struct journal_settings *settings)
{
    int64_t bytes = settings->segment_bytes > 0 ? settings->segment_bytes : JOURNAL_SEGMENT;
    int64_t waiting = settings->waiting_bytes > 0 ? settings->waiting_bytes : JOURNAL_WAITING;
    if (bytes < LEAST_SEGMENT)
        bytes = LEAST_SEGMENT;
    int64_t reserve = bytes / 4 < MOST_RESERVED ? bytes / 4 : MOST_RESERVED;
    journal->segment_slots = (uint64_t)bytes / RECORD_SLOT;
    journal->reserve_slots = (uint64_t)reserve / RECORD_SLOT;
    journal->waiting_slots = (uint64_t)waiting / RECORD_SLOT;
}

static char *join(const char *directory, const char *name)
{
    char path[FILES_PATH];
    int len = snprintf(path, sizeof(path), "%s/%s", directory, name);
    return memory_string(path, (size_t)len < sizeof(path) ? (size_t)len : sizeof(path) - 1);
}

struct journal *journal_open(const struct journal_settings *settings, struct ledger_fault *fault)
{
    struct journal *journal = MEMORY_NEW(struct journal);
    pthread_condattr_t monotonic;
    journal->io = settings->io;
    journal->state_dir = memory_string(settings->state_dir, strlen(settings->state_dir));
    journal->directory = join(settings->state_dir, "journal");
    journal->strict = settings->strict;
    journal->lock = -1;
    list_init(&journal->streams);
    table_init(&journal->by_name);
    pthread_mutex_init(&journal->pass, NULL);
    pthread_mutex_init(&journal->names, NULL);
    pthread_mutex_init(&journal->wake, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&journal->awake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    set_sizes(journal, settings);

    struct books *books = NULL;
    if (take_lock(journal, fault))
        books = recover(journal, settings->must_exist, fault);
    if (books == NULL || !begin_epoch(journal, books, fault))
        journal_close(&journal);
    return journal;
}

const struct books *journal_recovered(const struct journal *journal)
{
    return journal->control->books;
}

struct journal_stream *journal_control(struct journal *journal)
{
    return journal->control;
}

const char *journal_directory(const struct journal *journal)
{
    return journal->directory;
}

int64_t journal_birth(const struct journal *journal)
{
    return journal->birth;
}

/* ---- streams ---- */

static void on_durable(void *argument, struct inbox_item *item)
{
    (void)item;
    journal_deliver(argument);
}

struct journal_stream *journal_stream_open(struct journal *journal, struct loop *loop,
                                           struct ledger_fault *fault)
{
    pthread_mutex_lock(&journal->pass);
    struct journal_stream *stream = stream_new(journal, false, books_new(true));
    bool made = stream_revive(stream, false);
    if (made) {
        list_append(&journal->streams, &stream->link);
        atomic_fetch_add(&journal->changes, 1);
    }
    pthread_mutex_unlock(&journal->pass);
    if (!made) {
        stream_free(stream);
        ledger_fault_set(fault, "%s: a first segment cannot be written", journal->directory);
        return NULL;
    }
    if (loop != NULL)
        stream->inbox = inbox_new(loop, on_durable, stream);
    return stream;
}

void journal_stream_close(struct journal_stream **address)
{
    struct journal_stream *stream = *address;
    if (stream == NULL)
        return;
    struct journal *journal = stream->journal;
    journal_flush(stream);
    pthread_mutex_lock(&journal->pass);
    pthread_mutex_lock(&stream->mutex);
    stream_seal(stream);
    pthread_mutex_unlock(&stream->mutex);
    list_remove(&stream->link);
    atomic_fetch_add(&journal->changes, 1);
    pthread_mutex_unlock(&journal->pass);

    atomic_fetch_add(&stream->breaks, 1); /* whoever still waits hears `false` */
    journal_deliver(stream);
    inbox_free(&stream->inbox);
    stream_free(stream);
    *address = NULL;
}

static struct journal_stream *find_stream(struct journal *journal, uint32_t id)
{
    LIST_FOR_EACH (link, &journal->streams) {
        struct journal_stream *stream = LIST_ITEM(link, struct journal_stream, link);
        if (stream->id == id)
            return stream;
    }
    return NULL;
}

uint64_t journal_stream_durable(struct journal *journal, uint32_t stream)
{
    pthread_mutex_lock(&journal->pass);
    const struct journal_stream *found = find_stream(journal, stream);
    uint64_t durable = found != NULL ? journal_durable(found) : UINT64_MAX;
    pthread_mutex_unlock(&journal->pass);
    return durable;
}

uint64_t journal_written(struct journal *journal, uint32_t stream)
{
    pthread_mutex_lock(&journal->pass);
    const struct journal_stream *found = find_stream(journal, stream);
    uint64_t written = found != NULL ? atomic_load(&found->written) : 0;
    pthread_mutex_unlock(&journal->pass);
    return written;
}

uint64_t journal_changes(const struct journal *journal)
{
    return atomic_load(&journal->changes);
}

/* ---- the sync thread ---- */

bool journal_sync(struct journal *journal)
{
    bool fine = true;
    atomic_store(&journal->unsynced, 0);
    pthread_mutex_lock(&journal->pass);
    LIST_FOR_EACH (link, &journal->streams) {
        if (!stream_sync(LIST_ITEM(link, struct journal_stream, link)))
            fine = false;
    }
    pthread_mutex_unlock(&journal->pass);
    return fine;
}

void journal_note(struct journal *journal, size_t slots)
{
    uint64_t before = atomic_fetch_add(&journal->unsynced, slots);
    bool many = before < SYNC_SLOTS && before + slots >= SYNC_SLOTS;
    if (before > 0 && !many && !journal->strict)
        return;
    pthread_mutex_lock(&journal->wake);
    journal->waking = true;
    journal->hurry |= many || journal->strict;
    pthread_cond_signal(&journal->awake);
    pthread_mutex_unlock(&journal->wake);
}

static struct timespec in_ns(int64_t delay_ns)
{
    int64_t at = clock_monotonic_ns() + delay_ns;
    return (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
}

/* Until it is time for a pass: something was written and 5 ms have gone by, or there is no time to
 * lose. A stream that is not fine is looked at again and again. */
static void await_work(struct journal *journal, bool fine)
{
    struct timespec until = in_ns(RETRY_NS);
    int timed_out = 0;
    while (!journal->stop && !journal->waking && timed_out == 0) {
        if (fine)
            pthread_cond_wait(&journal->awake, &journal->wake);
        else
            timed_out = pthread_cond_timedwait(&journal->awake, &journal->wake, &until);
    }
    until = in_ns(SYNC_NS);
    timed_out = 0;
    while (!journal->stop && journal->waking && !journal->hurry && timed_out == 0)
        timed_out = pthread_cond_timedwait(&journal->awake, &journal->wake, &until);
    journal->waking = journal->hurry = false;
}

static void *run(void *argument)
{
    struct journal *journal = argument;
    bool fine = true;
    pthread_mutex_lock(&journal->wake);
    while (!journal->stop) {
        await_work(journal, fine);
        pthread_mutex_unlock(&journal->wake);
        fine = journal_sync(journal);
        pthread_mutex_lock(&journal->wake);
    }
    pthread_mutex_unlock(&journal->wake);
    return NULL;
}

void journal_start(struct journal *journal)
{
    int error = pthread_create(&journal->thread, NULL, run, journal);
    ASSERT(error == 0);
    journal->threaded = true;
}

void journal_close(struct journal **address)
{
    struct journal *journal = *address;
    if (journal == NULL)
        return;
    if (journal->threaded) {
        pthread_mutex_lock(&journal->wake);
        journal->stop = true;
        pthread_cond_signal(&journal->awake);
        pthread_mutex_unlock(&journal->wake);
        pthread_join(journal->thread, NULL);
    }
    journal_stream_close(&journal->control);
    ASSERT(list_empty(&journal->streams));
    if (journal->lock >= 0)
        journal->io->close(journal->io, journal->lock);
    forget_budgets(journal);
    pthread_cond_destroy(&journal->awake);
    pthread_mutex_destroy(&journal->wake);
    pthread_mutex_destroy(&journal->names);
    pthread_mutex_destroy(&journal->pass);
    free(journal->directory);
    free(journal->state_dir);
    free(journal);
    *address = NULL;
}
