/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a database, for the files that ask it things. */
#ifndef LEDGER_DATABASE_PRIVATE_H
#define LEDGER_DATABASE_PRIVATE_H

#include "ledger/database.h"

#include <sqlite3.h>

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_RECEIPT,
    STATEMENT_DEFINE,
    STATEMENT_BALANCE,
    STATEMENT_UNCERTAIN,
    STATEMENT_RESOLVED,
    STATEMENT_CORRECT,
    STATEMENT_UNCERTAIN_RECEIPT,
    STATEMENT_APPLIED,
    STATEMENT_GET_APPLIED,
    STATEMENTS
};

struct database {
    sqlite3 *handle;
    char *path;
    sqlite3_stmt *statements[STATEMENTS]; /* made when first used */
};

/* Where a receipt lies: its key. Those of holds that a crash left count down from -1. */
#define PLACE_BITS 40
static inline int64_t receipt_place(uint32_t stream, uint64_t seq)
{
    return (int64_t)(((uint64_t)stream << PLACE_BITS) | seq);
}

/* "PATH: what SQLite says"; returns false. */
bool database_fault(const struct database *database, struct ledger_fault *fault);
/* A statement, reset, or NULL with a fault. */
sqlite3_stmt *database_statement(struct database *database, enum statement which,
                                 struct ledger_fault *fault);
/* Runs a statement that gives no row. */
bool database_run(struct database *database, sqlite3_stmt *statement, struct ledger_fault *fault);
/* One of its own, to be finalized; NULL with a fault. */
sqlite3_stmt *database_prepare(const struct database *database, const char *sql,
                               struct ledger_fault *fault);
bool database_execute(const struct database *database, const char *sql, struct ledger_fault *fault);

/* meta values; absent is 0. */
int64_t database_meta(const struct database *database, const char *name);
bool database_set_meta(const struct database *database, const char *name, int64_t value,
                       struct ledger_fault *fault);

struct applied {
    uint64_t seq;
    bool done; /* a stream of an earlier process, to its end */
};
bool database_get_applied(struct database *database, uint32_t stream, struct applied *applied,
                          struct ledger_fault *fault);
bool database_put_applied(struct database *database, uint32_t stream, const struct applied *applied,
                          struct ledger_fault *fault);

/* ---- database_apply.c ---- */

/* The sums of a transaction, by budget and window. */
struct batch_sums;
struct batch_sums *batch_sums_new(void);
void batch_sums_free(struct batch_sums **address);

/* What one record does; its balance into the sums. `parts_before`: of EPOCH, the parts that were
 * there before it. */
bool database_apply(struct database *database, uint32_t stream, const struct record *record,
                    const struct books *parts_before, struct batch_sums *sums,
                    struct ledger_fault *fault);
/* Writes the sums, and forgets them. */
bool database_add_sums(struct database *database, struct batch_sums *sums,
                       struct ledger_fault *fault);
/* The books of a checkpoint as the beginning of an empty database. */
bool database_begin_with(struct database *database, const struct books *books,
                         struct ledger_fault *fault);

/* Columns of a row of `uncertain` or `balances` joined with `budgets`. */
void database_read_part(sqlite3_stmt *row, struct books_part *part, struct books_budget *budget);

#endif
