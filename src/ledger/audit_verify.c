/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Database against journal, at one moment: a read transaction of the one, the other up to what that
 * says was applied.
 */
#include "ledger/audit.h"

#include "base/clock.h"
#include "database_private.h"
#include "ledger/recover.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (24 * 3600 * NS_PER_S)

struct verify {
    const struct audit *audit;
    char directory[512]; /* the journal's */
    struct database *database;
    struct walk *walk;
    sqlite3_stmt *receipt; /* by place */
    int64_t retained_from_day;
    uint64_t receipts; /* of the journal, that the database is to have */
    uint64_t differences;
    void (*each)(void *argument, const char *text);
    void *argument;
    struct ledger_fault *fault;
};

__attribute__((format(printf, 2, 3))) static void differ(struct verify *verify, const char *format,
                                                         ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    verify->differences++;
    verify->each(verify->argument, text);
}

static uint64_t applied_of(void *argument, uint32_t stream)
{
    struct verify *verify = argument;
    struct applied applied;
    struct ledger_fault ignored;
    return database_get_applied(verify->database, stream, &applied, &ignored) ? applied.seq : 0;
}

/* ---- receipts ---- */

#define LEDGER_NUMBER(name, expression) "," #name
#define LEDGER_TEXT(name, expression)
static const char select_receipt[] = "SELECT id_high, id_low"
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
#define LEDGER_NUMBER(name, expression)
#define LEDGER_TEXT(name, expression) "," #name
#include "ledger/receipt_fields.def"
                                     " FROM receipts WHERE place = ?";
#undef LEDGER_NUMBER
#undef LEDGER_TEXT

static const char *const number_names[] = {
#define LEDGER_NUMBER(name, expression) #name,
#define LEDGER_TEXT(name, expression)
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
};

static const char *const text_names[] = {
#define LEDGER_NUMBER(name, expression)
#define LEDGER_TEXT(name, expression) #name,
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
};

static void compare_row(struct verify *verify, const struct ledger_receipt *receipt,
                        const char *name)
{
    sqlite3_stmt *row = verify->receipt;
    if ((uint64_t)sqlite3_column_int64(row, 0) != receipt->id.high ||
        (uint64_t)sqlite3_column_int64(row, 1) != receipt->id.low)
        differ(verify, "receipt %s: the database has another one in its place", name);
    for (int i = 0; i < LEDGER_NUMBERS; i++) {
        int64_t found = sqlite3_column_int64(row, 2 + i);
        if (found != receipt->numbers[i])
            differ(verify,
                   "receipt %s: %s is %" PRId64 " in the database, %" PRId64 " in the journal",
                   name, number_names[i], found, receipt->numbers[i]);
    }
    for (int i = 0; i < LEDGER_TEXTS; i++) {
        int at = 2 + LEDGER_NUMBERS + i;
        struct span found = span_make((const char *)sqlite3_column_text(row, at),
                                      (size_t)sqlite3_column_bytes(row, at));
        if (!span_equal(found, receipt->texts[i]))
            differ(verify, "receipt %s: %s is '%.*s' in the database, '%.*s' in the journal", name,
                   text_names[i], SPAN_ARG(found), SPAN_ARG(receipt->texts[i]));
    }
}

static bool compare_receipt(struct verify *verify, const struct record *record)
{
    struct ledger_receipt receipt;
    char name[ID_TEXT_SIZE];
    if (!record_read_receipt(record->text, &receipt))
        return ledger_fault_set(verify->fault, "%s: a receipt cannot be read",
                                walk_place(verify->walk));
    if (receipt.numbers[LEDGER_NUMBER_begun_wall_ns] / DAY_NS < verify->retained_from_day)
        return true;
    verify->receipts++;
    id_format(receipt.id, name);
    sqlite3_reset(verify->receipt);
    sqlite3_bind_int64(verify->receipt, 1, receipt_place(walk_stream(verify->walk), record->seq));
    int result = sqlite3_step(verify->receipt);
    if (result == SQLITE_ROW)
        compare_row(verify, &receipt, name);
    else if (result == SQLITE_DONE)
        differ(verify, "receipt %s is not in the database", name);
    else
        return database_fault(verify->database, verify->fault);
    return true;
}

/* Those that the journal has not: counted, of the streams that were walked. */
static bool count_receipts(struct verify *verify)
{
    struct stream_info *streams;
    size_t count;
    int64_t found = 0;
    sqlite3_stmt *row = database_prepare(
        verify->database, "SELECT count(*) FROM receipts WHERE place BETWEEN ? AND ? AND day >= ?",
        verify->fault);
    bool fine = row != NULL &&
                streams_list(verify->audit->io, verify->directory, &streams, &count, verify->fault);
    for (size_t i = 0; fine && i < count; i++) {
        const struct stream_info *stream = &streams[i];
        if (!walk_has(verify->walk, stream->epoch))
            continue;
        sqlite3_bind_int64(row, 1, receipt_place(stream->stream, stream->first_seq));
        sqlite3_bind_int64(row, 2, receipt_place(stream->stream + 1, 0) - 1);
        sqlite3_bind_int64(row, 3, verify->retained_from_day);
        if (sqlite3_step(row) == SQLITE_ROW)
            found += sqlite3_column_int64(row, 0);
        else
            fine = database_fault(verify->database, verify->fault);
        sqlite3_reset(row);
    }
    if (fine) {
        free(streams);
        if (found > (int64_t)verify->receipts)
            differ(verify, "the database has %" PRId64 " receipts that the journal has not",
                   found - (int64_t)verify->receipts);
    }
    sqlite3_finalize(row);
    return fine;
}

/* ---- balances, uncertain parts, budgets ---- */

/* Whether the journal still has all of the window. */
static bool is_whole(const struct verify *verify, int64_t window_end_wall_ns)
{
    return walk_is_complete(verify->walk) || window_end_wall_ns > walk_forgot_wall_ns(verify->walk);
}

/* Those of the database are marked as they come; what stays unmarked is missing. */
struct found {
    struct verify *verify;
    uint64_t count;
};

static void compare_sum(struct verify *verify, const struct books_balance *balance,
                        const char *name, const char *sum, int64_t found, int64_t told)
{
    if (found != told)
        differ(verify,
               "budget '%s' window %" PRId64 ": %s is %" PRId64 " in the database, %" PRId64
               " in the journal",
               name, balance->window_id, sum, found, told);
}

static bool on_balance(void *argument, const struct books_balance *balance,
                       const struct books_budget *budget)
{
    struct found *found = argument;
    struct verify *verify = found->verify;
    const struct books_balance *told =
        books_balance(walk_books(verify->walk), balance->budget, balance->window_id);
    if (!is_whole(verify, balance->window_end_wall_ns))
        return true;
    if (told == NULL) {
        differ(verify, "budget '%s' window %" PRId64 ": only the database has it",
               budget->budget.name, balance->window_id);
        return true;
    }
    found->count++;
    const char *name = budget->budget.name;
    compare_sum(verify, balance, name, "committed", balance->committed, told->committed);
    compare_sum(verify, balance, name, "spent", balance->spent, told->spent);
    compare_sum(verify, balance, name, "uncertain", balance->uncertain, told->uncertain);
    compare_sum(verify, balance, name, "granted", balance->granted, told->granted);
    return true;
}

static bool compare_balances(struct verify *verify)
{
    struct found found = {.verify = verify};
    uint64_t told = 0;
    size_t cursor = 0;
    if (!database_balances(verify->database, on_balance, &found, verify->fault))
        return false;
    for (const struct books_balance *balance;
         (balance = books_next_balance(walk_books(verify->walk), &cursor)) != NULL;)
        told += is_whole(verify, balance->window_end_wall_ns);
    if (told > found.count)
        differ(verify, "%" PRIu64 " balances of the journal are not in the database",
               told - found.count);
    return true;
}

static bool on_part(void *argument, const struct books_part *part,
                    const struct books_budget *budget)
{
    struct found *found = argument;
    struct verify *verify = found->verify;
    const struct books_part *told = books_part(walk_books(verify->walk), &part->key);
    char name[ID_TEXT_SIZE];
    if (!is_whole(verify, part->window_end_wall_ns))
        return true;
    id_format(part->key.exchange, name);
    if (told == NULL || told->state != PART_UNCERTAIN) {
        differ(verify, "hold %s in budget '%s' is uncertain only in the database", name,
               budget->budget.name);
        return true;
    }
    found->count++;
    if (told->amount != part->amount || told->budget != part->budget ||
        told->window_id != part->window_id)
        differ(verify,
               "hold %s in budget '%s': %" PRId64 " uncertain in the database, %" PRId64
               " in the journal",
               name, budget->budget.name, part->amount, told->amount);
    return true;
}

static bool compare_parts(struct verify *verify)
{
    struct found found = {.verify = verify};
    uint64_t told = 0;
    size_t cursor = 0;
    if (!database_uncertain(verify->database, INT64_MIN, on_part, &found, verify->fault))
        return false;
    for (const struct books_part *part;
         (part = books_next_part(walk_books(verify->walk), &cursor)) != NULL;)
        told += part->state == PART_UNCERTAIN && is_whole(verify, part->window_end_wall_ns);
    if (told > found.count)
        differ(verify, "%" PRIu64 " uncertain holds of the journal are not in the database",
               told - found.count);
    return true;
}

static bool compare_budgets(struct verify *verify)
{
    const struct books *books = walk_books(verify->walk);
    sqlite3_stmt *row = database_prepare(
        verify->database, "SELECT name, window, most FROM budgets WHERE id = ?", verify->fault);
    if (row == NULL)
        return false;
    for (uint32_t id = 1; id <= books_last_budget(books); id++) {
        const struct books_budget *told = books_budget(books, id);
        if (told == NULL)
            continue;
        sqlite3_bind_int64(row, 1, id);
        if (sqlite3_step(row) != SQLITE_ROW)
            differ(verify, "budget '%s' is not in the database", told->budget.name);
        else if (strcmp((const char *)sqlite3_column_text(row, 0), told->budget.name) != 0 ||
                 strcmp((const char *)sqlite3_column_text(row, 1), told->budget.window) != 0)
            differ(verify, "budget %" PRIu32 " is '%s' in the database, '%s' in the journal", id,
                   sqlite3_column_text(row, 0), told->budget.name);
        else if (sqlite3_column_int64(row, 2) != told->limit)
            differ(verify,
                   "budget '%s': the limit is %" PRId64 " in the database, %" PRId64
                   " in the journal",
                   told->budget.name, (int64_t)sqlite3_column_int64(row, 2), told->limit);
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return true;
}

/* ---- all ---- */

static bool compare_all(struct verify *verify)
{
    const struct record *record;
    walk_limit(verify->walk, applied_of, verify);
    while (walk_next(verify->walk, &record, verify->fault)) {
        if (record->kind == RECORD_RECEIPT && !compare_receipt(verify, record))
            return false;
    }
    return verify->fault->text[0] == '\0' && count_receipts(verify) && compare_balances(verify) &&
           compare_parts(verify) && compare_budgets(verify);
}

bool ledger_verify(const struct audit *audit, void (*each)(void *argument, const char *text),
                   void *argument, uint64_t *differences, struct ledger_fault *fault)
{
    struct verify verify = {.audit = audit, .each = each, .argument = argument, .fault = fault};
    fault->text[0] = '\0';
    snprintf(verify.directory, sizeof(verify.directory), "%s/journal", audit->state_dir);
    verify.database = database_open(audit->path, DATABASE_READ, 0, fault);
    bool fine = verify.database != NULL && database_execute(verify.database, "BEGIN", fault);
    if (fine) {
        verify.retained_from_day = database_meta(verify.database, "retained_from_day");
        verify.receipt = database_prepare(verify.database, select_receipt, fault);
        verify.walk = walk_open(audit->io, verify.directory, WALK_ALL, fault);
        fine = verify.receipt != NULL && verify.walk != NULL;
        if (verify.walk == NULL && fault->text[0] == '\0')
            ledger_fault_set(fault, "%s: there is no journal", verify.directory);
    }
    fine = fine && compare_all(&verify);
    walk_close(&verify.walk);
    sqlite3_finalize(verify.receipt);
    database_close(&verify.database);
    *differences = verify.differences;
    return fine;
}
