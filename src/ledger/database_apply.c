/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each record does to the database. Balances are summed in memory over a transaction and
 * written once. The journal's writer has checked the records; here only sums can overflow.
 */
#include "database_private.h"

#include "base/clock.h"
#include "base/memory.h"
#include "books_private.h"

#include <stdlib.h>

#define DAY_NS (24 * 3600 * NS_PER_S)

/* Books without parts: a table of balances, each a change. */
struct batch_sums {
    struct books *books;
};

struct batch_sums *batch_sums_new(void)
{
    struct batch_sums *sums = MEMORY_NEW(struct batch_sums);
    sums->books = books_new(true);
    return sums;
}

void batch_sums_free(struct batch_sums **address)
{
    if (*address == NULL)
        return;
    books_free(&(*address)->books);
    free(*address);
    *address = NULL;
}

static bool add(int64_t *sum, int64_t amount)
{
    return !__builtin_add_overflow(*sum, amount, sum);
}

static bool add_change(struct batch_sums *sums, const struct record *record, int64_t committed,
                       int64_t spent, int64_t uncertain)
{
    struct books_table *table = &sums->books->balances;
    struct books_balance key = {.budget = record->budget, .window_id = record->window_id};
    struct books_balance *balance = books_table_find(table, &key);
    if (balance == NULL) {
        balance = books_table_add(table, &key);
        *balance = key;
    }
    if (record->window_end_wall_ns > balance->window_end_wall_ns)
        balance->window_end_wall_ns = record->window_end_wall_ns;
    if (record->kind == RECORD_GRANT && record->amount > balance->granted)
        balance->granted = record->amount;
    return add(&balance->committed, committed) && add(&balance->spent, spent) &&
           add(&balance->uncertain, uncertain);
}

static bool overflow(struct ledger_fault *fault, const struct record *record)
{
    return ledger_fault_set(fault, "budget %u: a sum is too large", record->budget);
}

static void bind_key(sqlite3_stmt *row, int at, const struct part_key *key)
{
    sqlite3_bind_int64(row, at, (int64_t)key->exchange.high);
    sqlite3_bind_int64(row, at + 1, (int64_t)key->exchange.low);
    sqlite3_bind_int64(row, at + 2, key->attempt);
    sqlite3_bind_int64(row, at + 3, key->part);
}

static bool insert_uncertain(struct database *database, const struct record *record, int64_t amount,
                             struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_UNCERTAIN, fault);
    if (row == NULL)
        return false;
    bind_key(row, 1, &record->key);
    sqlite3_bind_int64(row, 5, record->parts);
    sqlite3_bind_int64(row, 6, record->budget);
    sqlite3_bind_int64(row, 7, record->window_id);
    sqlite3_bind_int64(row, 8, record->window_end_wall_ns);
    sqlite3_bind_int64(row, 9, amount);
    sqlite3_bind_int64(row, 10, record->wall_ns);
    return database_run(database, row, fault);
}

/* ---- receipts ---- */

static void bind_text(sqlite3_stmt *row, int at, struct span text)
{
    sqlite3_bind_text(row, at, text.ptr != NULL ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

static bool insert_receipt(struct database *database, int64_t place,
                           const struct ledger_receipt *receipt, struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_RECEIPT, fault);
    int at = 1;
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, at++, place);
    sqlite3_bind_int64(row, at++, (int64_t)receipt->id.high);
    sqlite3_bind_int64(row, at++, (int64_t)receipt->id.low);
    sqlite3_bind_int64(row, at++, receipt->numbers[LEDGER_NUMBER_begun_wall_ns] / DAY_NS);
    for (size_t i = 0; i < LEDGER_NUMBERS; i++)
        sqlite3_bind_int64(row, at++, receipt->numbers[i]);
    for (size_t i = 0; i < LEDGER_TEXTS; i++)
        bind_text(row, at++, receipt->texts[i]);
    return database_run(database, row, fault);
}

/* So that a resolution finds it. */
static bool note_uncertain_receipt(struct database *database, struct id id, int64_t place,
                                   struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_UNCERTAIN_RECEIPT, fault);
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, (int64_t)id.high);
    sqlite3_bind_int64(row, 2, (int64_t)id.low);
    sqlite3_bind_int64(row, 3, place);
    return database_run(database, row, fault);
}

static bool apply_receipt(struct database *database, uint32_t stream, const struct record *record,
                          struct ledger_fault *fault)
{
    struct ledger_receipt receipt;
    int64_t place = receipt_place(stream, record->seq);
    if (!record_read_receipt(record->text, &receipt))
        return ledger_fault_set(fault, "a receipt of stream %u cannot be read", stream);
    return insert_receipt(database, place, &receipt, fault) &&
           (receipt.numbers[LEDGER_NUMBER_uncertain_nusd] == 0 ||
            note_uncertain_receipt(database, receipt.id, place, fault));
}

/* ---- holds ---- */

static bool apply_close(struct database *database, const struct record *record,
                        struct batch_sums *sums, struct ledger_fault *fault)
{
    int64_t committed = record->cost;
    if (!add(&committed, record->uncertain) || !add(&committed, -record->amount) ||
        !add_change(sums, record, committed, record->cost, record->uncertain))
        return overflow(fault, record);
    return record->uncertain == 0 || insert_uncertain(database, record, record->uncertain, fault);
}

static bool correct_receipt(struct database *database, const struct record *record,
                            struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_CORRECT, fault);
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, record->cost);
    sqlite3_bind_int64(row, 2, record->amount);
    sqlite3_bind_int64(row, 3, (int64_t)record->key.exchange.high);
    sqlite3_bind_int64(row, 4, (int64_t)record->key.exchange.low);
    return database_run(database, row, fault);
}

static bool apply_resolve(struct database *database, const struct record *record,
                          struct batch_sums *sums, struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_RESOLVED, fault);
    if (row == NULL)
        return false;
    if (!add_change(sums, record, record->cost - record->amount, record->cost, -record->amount))
        return overflow(fault, record);
    bind_key(row, 1, &record->key);
    if (!database_run(database, row, fault))
        return false;
    if (sqlite3_changes(database->handle) != 1)
        return ledger_fault_set(fault, "%s: an uncertain hold that was resolved is not there",
                                database->path);
    return (record->flags & RECORD_FIRST) == 0 || correct_receipt(database, record, fault);
}

static bool apply_define(struct database *database, const struct record *record,
                         struct ledger_fault *fault)
{
    struct ledger_budget budget;
    int64_t limit;
    char window[LEDGER_WINDOW_MAX + 1];
    char name[LEDGER_NAME_MAX + 1] UNINITIALIZED;
    sqlite3_stmt *row = database_statement(database, STATEMENT_DEFINE, fault);
    if (row == NULL)
        return false;
    if (!record_read_define(record->text, &budget, &limit, window, name))
        return ledger_fault_set(fault, "the name of a budget cannot be read");
    sqlite3_bind_int64(row, 1, budget.id);
    sqlite3_bind_int64(row, 2, budget.unit);
    sqlite3_bind_int64(row, 3, budget.window_span);
    sqlite3_bind_text(row, 4, window, -1, SQLITE_STATIC);
    sqlite3_bind_text(row, 5, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(row, 6, limit);
    sqlite3_bind_int64(row, 7, (int64_t)record->order);
    return database_run(database, row, fault);
}

/* ---- after a crash ---- */

/* What a hold left behind has no receipt: it gets one, so that spend shows it. Its first part in
 * dollars stands for all. */
static bool insert_lost(struct database *database, const struct books_part *part, int64_t wall_ns,
                        int64_t place, struct ledger_fault *fault)
{
    struct ledger_receipt receipt = {.id = part->key.exchange};
    receipt.numbers[LEDGER_NUMBER_begun_wall_ns] = wall_ns;
    receipt.numbers[LEDGER_NUMBER_uncertain_nusd] = part->amount;
    receipt.texts[LEDGER_TEXT_outcome] = SPAN("expired");
    return insert_receipt(database, place, &receipt, fault) &&
           note_uncertain_receipt(database, receipt.id, place, fault);
}

static bool lowest_place(const struct database *database, int64_t *place,
                         struct ledger_fault *fault)
{
    sqlite3_stmt *row =
        database_prepare(database, "SELECT min(0, coalesce(min(place), 0)) FROM receipts", fault);
    if (row == NULL)
        return false;
    bool fine = sqlite3_step(row) == SQLITE_ROW || database_fault(database, fault);
    *place = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return fine;
}

static bool apply_epoch(struct database *database, const struct record *record,
                        const struct books *before, struct batch_sums *sums,
                        struct ledger_fault *fault)
{
    size_t cursor = 0;
    int64_t place;
    if (!lowest_place(database, &place, fault))
        return false;
    for (const struct books_part *part; (part = books_next_part(before, &cursor)) != NULL;) {
        struct record lost = books_part_record(part);
        if (part->state != PART_OPEN)
            continue;
        lost.wall_ns = record->wall_ns;
        if (!add_change(sums, &lost, 0, 0, part->amount))
            return overflow(fault, &lost);
        if (!insert_uncertain(database, &lost, part->amount, fault))
            return false;
        const struct books_budget *budget = books_budget(before, part->budget);
        if (part->key.part == 1 && budget != NULL && budget->budget.unit == LEDGER_NUSD &&
            !insert_lost(database, part, record->wall_ns, --place, fault))
            return false;
    }
    return true;
}

/* ---- all ---- */

bool database_apply(struct database *database, uint32_t stream, const struct record *record,
                    const struct books *parts_before, struct batch_sums *sums,
                    struct ledger_fault *fault)
{
    switch (record->kind) {
    case RECORD_OPEN:
    case RECORD_EXTEND:
        return add_change(sums, record, record->amount, 0, 0) || overflow(fault, record);
    case RECORD_GRANT:
        return add_change(sums, record, 0, 0, 0) || overflow(fault, record);
    case RECORD_CLOSE:
        return apply_close(database, record, sums, fault);
    case RECORD_RESOLVE:
        return apply_resolve(database, record, sums, fault);
    case RECORD_RECEIPT:
        return apply_receipt(database, stream, record, fault);
    case RECORD_DEFINE:
        return apply_define(database, record, fault);
    case RECORD_EPOCH:
        return apply_epoch(database, record, parts_before, sums, fault);
    default:
        return true;
    }
}

static bool put_balance(struct database *database, const struct books_balance *balance,
                        struct ledger_fault *fault)
{
    sqlite3_stmt *row = database_statement(database, STATEMENT_BALANCE, fault);
    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, balance->budget);
    sqlite3_bind_int64(row, 2, balance->window_id);
    sqlite3_bind_int64(row, 3, balance->window_end_wall_ns);
    sqlite3_bind_int64(row, 4, balance->committed);
    sqlite3_bind_int64(row, 5, balance->spent);
    sqlite3_bind_int64(row, 6, balance->uncertain);
    sqlite3_bind_int64(row, 7, balance->granted);
    return database_run(database, row, fault);
}

bool database_add_sums(struct database *database, struct batch_sums *sums,
                       struct ledger_fault *fault)
{
    size_t cursor = 0;
    bool fine = true;
    for (const struct books_balance *balance;
         fine && (balance = books_next_balance(sums->books, &cursor)) != NULL;)
        fine = put_balance(database, balance, fault);
    books_free(&sums->books);
    sums->books = books_new(true);
    return fine;
}

bool database_begin_with(struct database *database, const struct books *books,
                         struct ledger_fault *fault)
{
    size_t cursor = 0;
    for (uint32_t id = 1; id <= books_last_budget(books); id++) {
        const struct books_budget *budget = books_budget(books, id);
        uint8_t room[RECORD_TEXT_MAX] UNINITIALIZED;
        if (budget == NULL)
            continue;
        struct record record = {.kind = RECORD_DEFINE, .order = budget->order};
        record.text = record_write_define(&budget->budget, budget->limit, room);
        if (!apply_define(database, &record, fault))
            return false;
    }
    for (const struct books_balance *b; (b = books_next_balance(books, &cursor)) != NULL;) {
        if (!put_balance(database, b, fault))
            return false;
    }
    cursor = 0;
    for (const struct books_part *part; (part = books_next_part(books, &cursor)) != NULL;) {
        struct record record = books_part_record(part);
        if (part->state == PART_UNCERTAIN &&
            !insert_uncertain(database, &record, part->amount, fault))
            return false;
    }
    return true;
}
