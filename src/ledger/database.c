/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database: its tables, and the statements that are used again and again. WAL, so that readers
 * never wait; without a sync at each commit, since what a power loss takes is applied again.
 */
#include "database_private.h"

#include "base/clock.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define BUSY_MS 5000
#define DAY_NS  (24 * 3600 * NS_PER_S)

#define LEDGER_NUMBER(name, expression) #name " INTEGER NOT NULL, "
#define LEDGER_TEXT(name, expression)   #name " TEXT NOT NULL, "
static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE applied(stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL, done INTEGER NOT NULL);"
    "CREATE TABLE budgets(id INTEGER PRIMARY KEY, unit INTEGER NOT NULL, span INTEGER NOT NULL,"
    " window TEXT NOT NULL, name TEXT NOT NULL, most INTEGER NOT NULL, told INTEGER NOT NULL);"
    "CREATE TABLE balances(budget INTEGER NOT NULL, window_id INTEGER NOT NULL,"
    " window_end_ns INTEGER NOT NULL, committed INTEGER NOT NULL, spent INTEGER NOT NULL,"
    " uncertain INTEGER NOT NULL, granted INTEGER NOT NULL,"
    " PRIMARY KEY(budget, window_id)) WITHOUT ROWID;"
    "CREATE TABLE uncertain(id_high INTEGER NOT NULL, id_low INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL,"
    " budget INTEGER NOT NULL, window_id INTEGER NOT NULL, window_end_ns INTEGER NOT NULL,"
    " amount INTEGER NOT NULL, wall_ns INTEGER NOT NULL,"
    " PRIMARY KEY(id_high, id_low, attempt, part)) WITHOUT ROWID;"
    "CREATE TABLE receipts(place INTEGER PRIMARY KEY, id_high INTEGER NOT NULL,"
    " id_low INTEGER NOT NULL, day INTEGER NOT NULL, "
#include "ledger/receipt_fields.def"
    " resolved_cost_nusd INTEGER NOT NULL DEFAULT 0,"
    " resolved_uncertain_nusd INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX receipts_day ON receipts(day);"
    "CREATE TABLE uncertain_receipts(id_high INTEGER NOT NULL, id_low INTEGER NOT NULL,"
    " place INTEGER NOT NULL, PRIMARY KEY(id_high, id_low)) WITHOUT ROWID;";
#undef LEDGER_NUMBER
#undef LEDGER_TEXT

#define LEDGER_NUMBER(name, expression) ", " #name
#define LEDGER_TEXT(name, expression)   ", " #name
#define RECEIPT_COLUMNS                 "place, id_high, id_low, day"
static const char insert_receipt[] = "INSERT INTO receipts(" RECEIPT_COLUMNS
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
#define LEDGER_NUMBER(name, expression) ",?"
#define LEDGER_TEXT(name, expression)   ",?"
                                     ") VALUES(?,?,?,?"
#include "ledger/receipt_fields.def"
                                     ")";
#undef LEDGER_NUMBER
#undef LEDGER_TEXT

static const char *const texts[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_RECEIPT] = insert_receipt,
    [STATEMENT_DEFINE] =
        "INSERT INTO budgets(id, unit, span, window, name, most, told) VALUES(?,?,?,?,?,?,?)"
        " ON CONFLICT(id) DO UPDATE SET most = excluded.most, told = excluded.told"
        " WHERE excluded.told >= told",
    [STATEMENT_BALANCE] =
        "INSERT INTO balances(budget, window_id, window_end_ns, committed, spent, uncertain, granted)"
        " VALUES(?,?,?,?,?,?,?) ON CONFLICT(budget, window_id) DO UPDATE SET"
        " window_end_ns = max(window_end_ns, excluded.window_end_ns),"
        " committed = committed + excluded.committed, spent = spent + excluded.spent,"
        " uncertain = uncertain + excluded.uncertain, granted = max(granted, excluded.granted)",
    [STATEMENT_UNCERTAIN] =
        "INSERT INTO uncertain(id_high, id_low, attempt, part, parts, budget, window_id,"
        " window_end_ns, amount, wall_ns) VALUES(?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_RESOLVED] = "DELETE FROM uncertain"
                           " WHERE id_high = ? AND id_low = ? AND attempt = ? AND part = ?",
    [STATEMENT_CORRECT] =
        "UPDATE receipts SET resolved_cost_nusd = resolved_cost_nusd + ?,"
        " resolved_uncertain_nusd = resolved_uncertain_nusd + ? WHERE place ="
        " (SELECT place FROM uncertain_receipts WHERE id_high = ? AND id_low = ?)",
    [STATEMENT_UNCERTAIN_RECEIPT] =
        "INSERT OR REPLACE INTO uncertain_receipts(id_high, id_low, place) VALUES(?,?,?)",
    [STATEMENT_APPLIED] = "INSERT OR REPLACE INTO applied(stream, seq, done) VALUES(?,?,?)",
    [STATEMENT_GET_APPLIED] = "SELECT seq, done FROM applied WHERE stream = ?",
};

/* ---- asking ---- */

bool database_fault(const struct database *database, struct ledger_fault *fault)
{
    return ledger_fault_set(fault, "%s: %s", database->path, sqlite3_errmsg(database->handle));
}

sqlite3_stmt *database_prepare(const struct database *database, const char *sql,
                               struct ledger_fault *fault)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        database_fault(database, fault);
    return statement;
}

sqlite3_stmt *database_statement(struct database *database, enum statement which,
                                 struct ledger_fault *fault)
{
    sqlite3_stmt **statement = &database->statements[which];
    if (*statement == NULL)
        *statement = database_prepare(database, texts[which], fault);
    else
        sqlite3_reset(*statement);
    return *statement;
}

bool database_run(struct database *database, sqlite3_stmt *statement, struct ledger_fault *fault)
{
    bool fine = statement != NULL && sqlite3_step(statement) == SQLITE_DONE;
    if (!fine && statement != NULL)
        database_fault(database, fault);
    if (statement != NULL)
        sqlite3_reset(statement);
    return fine;
}

bool database_execute(const struct database *database, const char *sql, struct ledger_fault *fault)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_fault(database, fault);
}

/* ---- opening ---- */

int64_t database_meta(const struct database *database, const char *name)
{
    struct ledger_fault fault;
    int64_t value = 0;
    sqlite3_stmt *row = database_prepare(database, "SELECT value FROM meta WHERE name = ?", &fault);
    if (row == NULL)
        return 0;
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(row) == SQLITE_ROW)
        value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return value;
}

bool database_set_meta(const struct database *database, const char *name, int64_t value,
                       struct ledger_fault *fault)
{
    sqlite3_stmt *row =
        database_prepare(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?,?)", fault);
    if (row == NULL)
        return false;
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(row, 2, value);
    bool fine = sqlite3_step(row) == SQLITE_DONE || database_fault(database, fault);
    sqlite3_finalize(row);
    return fine;
}

static bool read_version(const struct database *database, int *version, struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_prepare(database, "PRAGMA user_version", fault);
    if (row == NULL)
        return false;
    bool fine = sqlite3_step(row) == SQLITE_ROW || database_fault(database, fault);
    *version = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    return fine;
}

static bool make_tables(const struct database *database, int64_t birth, struct ledger_fault *fault)
{
    char version[64];
    snprintf(version, sizeof(version), "PRAGMA user_version = %d", VERSION);
    return database_execute(database, "BEGIN IMMEDIATE", fault) &&
           database_execute(database, schema, fault) &&
           database_execute(database, version, fault) &&
           database_set_meta(database, "birth", birth, fault) &&
           database_execute(database, "COMMIT", fault);
}

static bool prepare_tables(const struct database *database, enum database_mode mode, int64_t birth,
                           struct ledger_fault *fault)
{
    int version;
    sqlite3_busy_timeout(database->handle, BUSY_MS);
    if (mode == DATABASE_WRITE &&
        !database_execute(database,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                          "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024",
                          fault))
        return false;
    if (!read_version(database, &version, fault))
        return false;
    if (version == 0 && mode == DATABASE_WRITE)
        return make_tables(database, birth, fault);
    if (version != VERSION)
        return ledger_fault_set(fault, "%s: version %d is not one that this weir reads",
                                database->path, version);
    int64_t found = database_meta(database, "birth");
    if (birth != 0 && found != 0 && found != birth)
        return ledger_fault_set(fault, "%s belongs to another journal", database->path);
    return found != 0 || mode == DATABASE_READ || birth == 0 ||
           database_set_meta(database, "birth", birth, fault);
}

/* weir_tag(tags, name): the value of one of "name=value,name=value"; '' without it. */
static void find_tag(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct span rest = span_make((const char *)sqlite3_value_text(values[0]),
                                 (size_t)sqlite3_value_bytes(values[0]));
    struct span name = span_make((const char *)sqlite3_value_text(values[1]),
                                 (size_t)sqlite3_value_bytes(values[1]));
    while (rest.len > 0) {
        struct span tag, found;
        rest = span_cut(rest, ',', &tag);
        tag = span_cut(tag, '=', &found);
        if (!span_equal(found, name))
            continue;
        sqlite3_result_text(context, tag.ptr, (int)tag.len, SQLITE_TRANSIENT);
        return;
    }
    sqlite3_result_text(context, "", 0, SQLITE_STATIC);
}

/* SQLite would make it for everybody to read; its other files take after it. What is wrong with the
 * path SQLite says. */
static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0)
        close(fd);
}

struct database *database_open(const char *path, enum database_mode mode, int64_t birth,
                               struct ledger_fault *fault)
{
    struct database *database = MEMORY_NEW(struct database);
    int flags =
        mode == DATABASE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    database->path = memory_string(path, strlen(path));
    if (mode == DATABASE_WRITE)
        make_private(path);
    int result = sqlite3_open_v2(path, &database->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    bool fine = result == SQLITE_OK || database_fault(database, fault);
    if (fine)
        sqlite3_create_function(database->handle, "weir_tag", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                NULL, find_tag, NULL, NULL);
    if (!fine || !prepare_tables(database, mode, birth, fault))
        database_close(&database);
    return database;
}

void database_close(struct database **address)
{
    struct database *database = *address;
    if (database == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(database->statements[i]);
    sqlite3_close(database->handle);
    free(database->path);
    free(database);
    *address = NULL;
}

/* ---- how far ---- */

bool database_get_applied(struct database *database, uint32_t stream, struct applied *applied,
                          struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_GET_APPLIED, fault);
    *applied = (struct applied){.seq = 0};
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, stream);
    int result = sqlite3_step(row);
    if (result == SQLITE_ROW)
        *applied = (struct applied){(uint64_t)sqlite3_column_int64(row, 0),
                                    sqlite3_column_int(row, 1) != 0};
    sqlite3_reset(row);
    return result == SQLITE_ROW || result == SQLITE_DONE || database_fault(database, fault);
}

bool database_put_applied(struct database *database, uint32_t stream, const struct applied *applied,
                          struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_APPLIED, fault);
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, stream);
    sqlite3_bind_int64(row, 2, (int64_t)applied->seq);
    sqlite3_bind_int(row, 3, applied->done);
    return database_run(database, row, fault);
}

/* ---- retention ---- */

int64_t database_retain(struct database *database, int64_t before_wall_ns, int64_t most,
                        struct ledger_fault *fault)
{
    int64_t day = before_wall_ns / DAY_NS;
    sqlite3_stmt *row = database_prepare(
        database,
        "DELETE FROM receipts WHERE place IN (SELECT place FROM receipts WHERE day < ? LIMIT ?)",
        fault);
    if (row == NULL)
        return -1;
    sqlite3_bind_int64(row, 1, day);
    sqlite3_bind_int64(row, 2, most);
    bool fine = database_execute(database, "BEGIN IMMEDIATE", fault);
    fine = fine && database_run(database, row, fault);
    int64_t deleted = fine ? sqlite3_changes(database->handle) : -1;
    sqlite3_finalize(row);
    if (fine && day > database_meta(database, "retained_from_day"))
        fine = database_set_meta(database, "retained_from_day", day, fault);
    fine = fine &&
           database_execute(database,
                            "DELETE FROM uncertain_receipts WHERE place NOT IN"
                            " (SELECT place FROM receipts)",
                            fault) &&
           database_execute(database, "COMMIT", fault);
    if (!fine)
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return fine ? deleted : -1;
}
