/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The applier: what is on the disk of every stream, in order, into the database. A transaction that
 * fails leaves nothing behind: the cursors are opened anew from what the database says.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cursor.h"
#include "database_build.h"
#include "database_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH          2000
#define LOOK_NS        (50 * NS_PER_MS)
#define RETRY_NS       NS_PER_S
#define CLEAN_FIRST_NS (60 * NS_PER_S) /* what the process before has left */
#define CLEAN_NS       (3600 * NS_PER_S)
#define CLEAN_ROWS     10000
#define CLEAN_ROUNDS   1000

/* A stream that is not done. The source of the same index has its cursor. */
struct feed {
    uint32_t stream;
    uint64_t applied;
    bool closed;
};

struct applier {
    struct applier_settings settings;
    char *directory;
    char *path;
    struct database *database;
    struct batch_sums *sums;
    struct merge merge;
    struct feed *feeds;
    size_t feed_count;
    bool loaded;
    _Atomic int64_t lag;
    struct ledger_fault told; /* the trouble that was logged last */

    pthread_t thread;
    bool threaded;
    pthread_mutex_t mutex;
    pthread_cond_t awake;
    bool stop;
};

/* ---- the streams ---- */

static void unload(struct applier *applier)
{
    merge_fini(&applier->merge);
    free(applier->feeds);
    applier->feeds = NULL;
    applier->feed_count = 0;
    applier->loaded = false;
}

static struct feed *find_feed(const struct applier *applier, uint32_t stream)
{
    for (size_t i = 0; i < applier->feed_count; i++) {
        if (applier->feeds[i].stream == stream)
            return &applier->feeds[i];
    }
    return NULL;
}

static bool add_feed(struct applier *applier, uint32_t stream, uint64_t applied,
                     struct ledger_fault *fault)
{
    struct cursor *cursor =
        cursor_open(applier->settings.io, applier->directory, stream, applied + 1, fault);
    if (cursor == NULL)
        return false;
    if (!cursor_follows(cursor)) {
        cursor_close(&cursor);
        return ledger_fault_set(fault,
                                "%s is ahead of the journal: stream %u has no record %llu; "
                                "run `weir ledger rebuild`",
                                applier->path, stream, (unsigned long long)applied);
    }
    merge_add(&applier->merge, stream, cursor, 0);
    applier->feeds =
        memory_resize(applier->feeds, applier->feed_count + 1, sizeof(*applier->feeds));
    applier->feeds[applier->feed_count++] = (struct feed){.stream = stream, .applied = applied};
    return true;
}

/* Cursors for streams that are not known yet. */
static bool find_streams(struct applier *applier, struct ledger_fault *fault)
{
    struct stream_info *streams;
    size_t count;
    if (!streams_list(applier->settings.io, applier->directory, &streams, &count, fault))
        return false;
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
        struct applied applied;
        if (find_feed(applier, streams[i].stream) != NULL)
            continue;
        fine = database_get_applied(applier->database, streams[i].stream, &applied, fault);
        if (fine && !applied.done)
            fine = add_feed(applier, streams[i].stream, applied.seq, fault);
    }
    free(streams);
    applier->loaded = fine;
    return fine;
}

/* How far each may be read now. */
static void set_limits(struct applier *applier)
{
    struct journal *journal = applier->settings.journal;
    int64_t lag = 0;
    for (size_t i = 0; i < applier->feed_count; i++) {
        struct feed *feed = &applier->feeds[i];
        uint64_t durable =
            journal != NULL ? journal_stream_durable(journal, feed->stream) : UINT64_MAX;
        applier->merge.sources[i].upto = durable;
        applier->merge.sources[i].ended = false;
        feed->closed = durable == UINT64_MAX;
        uint64_t written = feed->closed ? 0 : journal_written(journal, feed->stream);
        if (written > feed->applied)
            lag += (int64_t)(written - feed->applied);
    }
    atomic_store(&applier->lag, lag);
}

/* A stream of an earlier process that was applied to its end is not looked at again. */
static bool finish_streams(struct applier *applier, struct ledger_fault *fault)
{
    for (size_t i = applier->feed_count; i-- > 0;) {
        const struct feed *feed = &applier->feeds[i];
        struct merge_source *source = &applier->merge.sources[i];
        if (!feed->closed || !source->ended || source->next != NULL ||
            applier->settings.journal == NULL)
            continue;
        if (!database_put_applied(applier->database, feed->stream,
                                  &(struct applied){feed->applied, true}, fault))
            return false;
        cursor_close(&source->cursor);
        applier->merge.sources[i] = applier->merge.sources[--applier->merge.count];
        applier->feeds[i] = applier->feeds[--applier->feed_count];
    }
    return true;
}

/* ---- a transaction ---- */

static bool apply_one(struct applier *applier, const struct record *record,
                      struct ledger_fault *fault)
{
    size_t i = (size_t)(applier->merge.last - applier->merge.sources);
    struct feed *feed = &applier->feeds[i];
    struct books *before = NULL;
    bool fine = true;
    if (record->kind == RECORD_EPOCH) {
        before = books_new(true);
        fine = epoch_read(applier->settings.io, applier->directory, feed->stream, before, fault);
    }
    fine = fine &&
           database_apply(applier->database, feed->stream, record, before, applier->sums, fault);
    books_free(&before);
    feed->applied = record->seq + record->more;
    return fine;
}

static int64_t apply_batch(struct applier *applier, struct ledger_fault *fault)
{
    const struct record *record;
    enum cursor_verdict verdict = CURSOR_END;
    int64_t count = 0;
    while (count < BATCH &&
           (verdict = merge_next(&applier->merge, &record, fault)) == CURSOR_RECORD) {
        if (!apply_one(applier, record, fault))
            return -1;
        count++;
    }
    if (verdict == CURSOR_FAULT || !database_add_sums(applier->database, applier->sums, fault))
        return -1;
    for (size_t i = 0; i < applier->feed_count && count > 0; i++) {
        const struct feed *feed = &applier->feeds[i];
        if (!database_put_applied(applier->database, feed->stream,
                                  &(struct applied){.seq = feed->applied}, fault))
            return -1;
    }
    return finish_streams(applier, fault) ? count : -1;
}

static bool run(struct applier *applier, enum statement which, struct ledger_fault *fault)
{
    return database_run(applier->database, database_statement(applier->database, which, fault),
                        fault);
}

static int64_t step(struct applier *applier, struct ledger_fault *fault)
{
    if (!applier->loaded && !find_streams(applier, fault)) {
        unload(applier);
        return -1;
    }
    set_limits(applier);
    if (!run(applier, STATEMENT_BEGIN, fault))
        return -1;
    int64_t count = apply_batch(applier, fault);
    if (count >= 0 && !run(applier, STATEMENT_COMMIT, fault))
        count = -1;
    if (count < 0) {
        struct ledger_fault ignored;
        run(applier, STATEMENT_ROLLBACK, &ignored);
        batch_sums_free(&applier->sums);
        applier->sums = batch_sums_new();
        unload(applier);
    }
    return count;
}

/* Where nothing is to be applied there may be a new stream. */
int64_t applier_step(struct applier *applier, struct ledger_fault *fault)
{
    int64_t count = step(applier, fault);
    size_t known = applier->feed_count;
    if (count != 0)
        return count;
    if (!find_streams(applier, fault))
        return -1;
    return applier->feed_count > known ? step(applier, fault) : 0;
}

/* ---- cleaning ---- */

/* What journal_trim asks. */
static uint64_t applied_of(void *argument, uint32_t stream)
{
    struct applier *applier = argument;
    const struct feed *feed = find_feed(applier, stream);
    struct ledger_fault ignored;
    struct applied applied;
    if (feed != NULL)
        return feed->applied;
    if (!database_get_applied(applier->database, stream, &applied, &ignored))
        return 0;
    return applied.done ? UINT64_MAX : applied.seq;
}

bool applier_clean(struct applier *applier, struct ledger_fault *fault)
{
    const struct applier_settings *settings = &applier->settings;
    int64_t now = settings->io->now(settings->io), deleted = 1;
    for (int i = 0; settings->retention_ns > 0 && deleted > 0 && i < CLEAN_ROUNDS; i++) {
        deleted =
            database_retain(applier->database, now - settings->retention_ns, CLEAN_ROWS, fault);
        if (deleted < 0)
            return false;
    }
    if (settings->keep_segments_ns <= 0)
        return true;
    /* What the segments were removed for must be on the disk itself. */
    return database_execute(applier->database, "PRAGMA wal_checkpoint(TRUNCATE)", fault) &&
           journal_trim(settings->io, applier->directory, now - settings->keep_segments_ns,
                        applied_of, applier, fault) >= 0;
}

/* ---- birth ---- */

/* Whether the database has not (or not any more) what comes before the journal's first records. */
static bool must_build(struct applier *applier, bool *must, struct ledger_fault *fault)
{
    const struct applier_settings *settings = &applier->settings;
    struct stream_info *streams;
    size_t count;
    bool complete;
    if (!journal_is_complete(settings->io, applier->directory, &complete, fault) ||
        !streams_list(settings->io, applier->directory, &streams, &count, fault))
        return false;
    bool fine = true, any = false;
    *must = false;
    for (size_t i = 0; i < count && fine; i++) {
        struct applied applied;
        fine = database_get_applied(applier->database, streams[i].stream, &applied, fault);
        any |= applied.done || applied.seq > 0;
        if (!applied.done && applied.seq + 1 < streams[i].first_seq)
            *must = true;
    }
    free(streams);
    *must |= !any && !complete;
    return fine;
}

static bool open_database(struct applier *applier, struct ledger_fault *fault)
{
    applier->database =
        database_open(applier->path, DATABASE_WRITE, applier->settings.birth, fault);
    return applier->database != NULL;
}

static bool prepare(struct applier *applier, struct ledger_fault *fault)
{
    bool must;
    uint64_t records;
    if (!open_database(applier, fault) || !must_build(applier, &must, fault))
        return false;
    if (must) {
        log_warn("%s lacks what the journal begins after: making it anew", applier->path);
        database_close(&applier->database);
        if (!database_build(applier->settings.io, applier->directory, applier->path, &records,
                            fault) ||
            !open_database(applier, fault))
            return false;
    }
    return find_streams(applier, fault);
}

struct applier *applier_new(const struct applier_settings *settings, struct ledger_fault *fault)
{
    struct applier *applier = MEMORY_NEW(struct applier);
    pthread_condattr_t monotonic;
    applier->settings = *settings;
    applier->directory = memory_string(settings->directory, strlen(settings->directory));
    applier->path = memory_string(settings->path, strlen(settings->path));
    applier->sums = batch_sums_new();
    pthread_mutex_init(&applier->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&applier->awake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!prepare(applier, fault))
        applier_free(&applier);
    return applier;
}

void applier_free(struct applier **address)
{
    struct applier *applier = *address;
    if (applier == NULL)
        return;
    if (applier->threaded) {
        pthread_mutex_lock(&applier->mutex);
        applier->stop = true;
        pthread_cond_signal(&applier->awake);
        pthread_mutex_unlock(&applier->mutex);
        pthread_join(applier->thread, NULL);
    }
    unload(applier);
    batch_sums_free(&applier->sums);
    database_close(&applier->database);
    pthread_cond_destroy(&applier->awake);
    pthread_mutex_destroy(&applier->mutex);
    free(applier->directory);
    free(applier->path);
    free(applier);
    *address = NULL;
}

int64_t applier_lag(struct applier *applier)
{
    return atomic_load(&applier->lag);
}

/* ---- the thread ---- */

/* True when it is to stop. */
static bool pause_for(struct applier *applier, int64_t ns)
{
    int64_t at = clock_monotonic_ns() + ns;
    struct timespec until = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
    int timed_out = 0;
    pthread_mutex_lock(&applier->mutex);
    while (!applier->stop && timed_out == 0)
        timed_out = pthread_cond_timedwait(&applier->awake, &applier->mutex, &until);
    bool stop = applier->stop;
    pthread_mutex_unlock(&applier->mutex);
    return stop;
}

static void clean_sometimes(struct applier *applier, int64_t *next_ns)
{
    struct ledger_fault fault;
    if (clock_monotonic_ns() < *next_ns)
        return;
    *next_ns = clock_monotonic_ns() + CLEAN_NS;
    if (!applier_clean(applier, &fault))
        log_error("ledger: %s", fault.text);
}

/* What there is to apply, if anything has changed since it was last looked for. */
static int64_t look(struct applier *applier, bool again, uint64_t *seen)
{
    struct ledger_fault fault;
    uint64_t changes = journal_changes(applier->settings.journal);
    if (!again && changes == *seen) {
        set_limits(applier); /* for the lag */
        return 0;
    }
    *seen = changes;
    int64_t count = applier_step(applier, &fault);
    if (count >= 0) {
        applier->told.text[0] = '\0';
    } else if (strcmp(applier->told.text, fault.text) != 0) {
        applier->told = fault; /* it is tried each second, and told once */
        log_error("ledger: %s", fault.text);
    }
    return count;
}

/* After it was told to stop it looks once more. */
static void *apply_for_ever(void *argument)
{
    struct applier *applier = argument;
    int64_t clean_ns = clock_monotonic_ns() + CLEAN_FIRST_NS, count = 1;
    uint64_t seen = 0;
    bool stop = false;
    while (!stop || count > 0) {
        count = look(applier, count != 0, &seen);
        if (count == 0)
            clean_sometimes(applier, &clean_ns);
        if (count <= 0 && !stop) {
            stop = pause_for(applier, count < 0 ? RETRY_NS : LOOK_NS);
            count = stop ? 1 : count;
        }
    }
    return NULL;
}

void applier_start(struct applier *applier)
{
    int error = pthread_create(&applier->thread, NULL, apply_for_ever, applier);
    ASSERT(error == 0);
    applier->threaded = true;
}
