/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rebuilding: the checkpoints that a walk over all records starts from, then every record, into a
 * new file. What only the old file has is copied last, so that a resolution is not applied twice.
 */
#include "database_build.h"

#include "database_private.h"
#include "ledger/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2000
#define PATH  600

struct build {
    struct ledger_io *io;
    const char *directory;
    const char *path;
    char made[PATH]; /* the new file */
    struct database *database;
    struct walk *walk;
    struct batch_sums *sums;
    uint64_t records;
};

bool journal_is_complete(struct ledger_io *io, const char *directory, bool *complete,
                         struct ledger_fault *fault)
{
    struct stream_info *streams;
    size_t count;
    *complete = true;
    if (!streams_list(io, directory, &streams, &count, fault))
        return false;
    bool beginning = false;
    for (size_t i = 0; i < count; i++) {
        beginning |= streams[i].control && streams[i].epoch == 1;
        *complete &= streams[i].first_seq == 1;
    }
    *complete &= beginning || count == 0;
    free(streams);
    return true;
}

static void remove_file(const struct build *build, const char *path, const char *suffix)
{
    char name[PATH + 8];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    build->io->unlink(build->io, name);
}

/* ---- the streams ---- */

/* Those that the walk begins before, with the first seq that it has of them. */
static bool note_streams(struct build *build, struct ledger_fault *fault)
{
    struct stream_info *streams;
    size_t count;
    if (!database_execute(build->database,
                          "CREATE TEMP TABLE walked(stream INTEGER PRIMARY KEY, first INTEGER)",
                          fault) ||
        !streams_list(build->io, build->directory, &streams, &count, fault))
        return false;
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
        char sql[128];
        struct applied applied = {.done = true};
        if (walk_has(build->walk, streams[i].epoch)) {
            snprintf(sql, sizeof(sql), "INSERT INTO walked VALUES(%u, %llu)", streams[i].stream,
                     (unsigned long long)streams[i].first_seq);
            fine = database_execute(build->database, sql, fault);
            applied = (struct applied){.seq = streams[i].first_seq - 1};
        }
        fine = fine && database_put_applied(build->database, streams[i].stream, &applied, fault);
    }
    free(streams);
    return fine;
}

/* ---- the records ---- */

static bool apply_record(struct build *build, const struct record *record,
                         struct ledger_fault *fault)
{
    uint32_t stream = walk_stream(build->walk);
    struct applied applied = {.seq = record->seq + record->more};
    struct books *before = NULL;
    bool fine = true;
    if (record->kind == RECORD_EPOCH) {
        before = books_new(true);
        fine = epoch_read(build->io, build->directory, stream, before, fault);
    }
    if (walk_changed(build->walk))
        fine = fine && database_apply(build->database, stream, record, before, build->sums, fault);
    books_free(&before);
    return fine && database_put_applied(build->database, stream, &applied, fault);
}

static bool begin(struct build *build, struct ledger_fault *fault)
{
    return database_run(build->database,
                        database_statement(build->database, STATEMENT_BEGIN, fault), fault);
}

static bool commit(struct build *build, struct ledger_fault *fault)
{
    return database_add_sums(build->database, build->sums, fault) &&
           database_run(build->database,
                        database_statement(build->database, STATEMENT_COMMIT, fault), fault);
}

static bool apply_all(struct build *build, struct ledger_fault *fault)
{
    const struct record *record;
    if (!begin(build, fault) ||
        !database_begin_with(build->database, walk_books(build->walk), fault) ||
        !note_streams(build, fault))
        return false;
    while (walk_next(build->walk, &record, fault)) {
        if (!apply_record(build, record, fault))
            return false;
        if (++build->records % BATCH == 0 && (!commit(build, fault) || !begin(build, fault)))
            return false;
    }
    return fault->text[0] == '\0' && commit(build, fault);
}

/* ---- the old database ---- */

static const char copy_old[] =
    "BEGIN IMMEDIATE;"
    "INSERT INTO receipts SELECT * FROM old.receipts r WHERE CASE WHEN r.place > 0"
    " THEN NOT EXISTS (SELECT 1 FROM walked w WHERE w.stream = r.place >> 40"
    " AND w.first <= (r.place & 1099511627775))"
    " ELSE r.begun_wall_ns <= (SELECT value FROM meta WHERE name = 'begun')"
    " AND NOT EXISTS (SELECT 1 FROM receipts n WHERE n.place = r.place) END;"
    "INSERT OR IGNORE INTO uncertain_receipts SELECT u.* FROM old.uncertain_receipts u"
    " JOIN receipts r USING (place);"
    "INSERT OR IGNORE INTO balances SELECT * FROM old.balances"
    " WHERE window_end_ns <= (SELECT value FROM meta WHERE name = 'forgot');"
    "INSERT OR IGNORE INTO budgets SELECT * FROM old.budgets;"
    "INSERT OR REPLACE INTO meta SELECT * FROM old.meta WHERE name = 'retained_from_day';"
    "COMMIT";

/* Best effort: the old one may be what is broken. */
static void take_from_old(struct build *build)
{
    struct ledger_fault ignored;
    sqlite3_stmt *attach = NULL;
    struct database *old = database_open(build->path, DATABASE_READ, 0, &ignored);
    bool readable = old != NULL;
    database_close(&old);
    if (!readable ||
        !database_set_meta(build->database, "begun", walk_begun_wall_ns(build->walk), &ignored) ||
        !database_set_meta(build->database, "forgot", walk_forgot_wall_ns(build->walk), &ignored))
        return;
    attach = database_prepare(build->database, "ATTACH ? AS old", &ignored);
    if (attach == NULL)
        return;
    sqlite3_bind_text(attach, 1, build->path, -1, SQLITE_STATIC);
    bool attached = sqlite3_step(attach) == SQLITE_DONE;
    sqlite3_finalize(attach);
    if (attached && !database_execute(build->database, copy_old, &ignored))
        sqlite3_exec(build->database->handle, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(build->database->handle, "DETACH old", NULL, NULL, NULL);
}

/* ---- all ---- */

/* What the old file's log has must not be taken for the new one's. */
static bool swap_in(struct build *build, struct ledger_fault *fault)
{
    struct ledger_io *io = build->io;
    if (!database_execute(build->database, "DROP TABLE temp.walked; PRAGMA journal_mode = DELETE",
                          fault))
        return false;
    database_close(&build->database);
    int fd = io->open(io, build->made, LEDGER_OPEN_READ);
    int error = fd < 0 ? fd : io->sync(io, fd);
    if (fd >= 0)
        io->close(io, fd);
    remove_file(build, build->path, "-wal");
    remove_file(build, build->path, "-shm");
    if (error >= 0)
        error = io->rename(io, build->made, build->path);
    return error >= 0 ||
           ledger_fault_set(fault, "%s cannot be replaced: %s", build->path, strerror(-error));
}

bool database_build(struct ledger_io *io, const char *directory, const char *path,
                    uint64_t *records, struct ledger_fault *fault)
{
    struct build build = {.io = io, .directory = directory, .path = path};
    snprintf(build.made, sizeof(build.made), "%s.new", path);
    remove_file(&build, build.made, "");
    remove_file(&build, build.made, "-wal");
    remove_file(&build, build.made, "-shm");
    build.walk = walk_open(io, directory, WALK_ALL, fault);
    if (build.walk == NULL) {
        if (fault->text[0] == '\0')
            ledger_fault_set(fault, "%s: there is no journal", directory);
        return false;
    }
    build.sums = batch_sums_new();
    build.database = database_open(build.made, DATABASE_WRITE, walk_end(build.walk).birth, fault);
    bool fine = build.database != NULL &&
                database_execute(build.database, "PRAGMA synchronous = OFF", fault) &&
                apply_all(&build, fault);
    if (fine) {
        take_from_old(&build);
        fine = swap_in(&build, fault);
    }
    database_close(&build.database);
    batch_sums_free(&build.sums);
    walk_close(&build.walk);
    *records = build.records;
    return fine;
}
