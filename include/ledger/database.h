/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's database (SQLite): the journal, applied, for questions. It has nothing that the
 * journal had not first, and can be made again from it (audit.h).
 *
 *   journal streams ──what is on the disk──▶ applier: up to 2,000 records a transaction
 *                                              receipts · balances · uncertain · budgets
 *                                              applied(stream, seq)          } one commit
 *
 * Exactly once, because how far a stream was applied is stored with what was applied. One thread at
 * a time a handle; many handles may read one file.
 */
#ifndef LEDGER_DATABASE_H
#define LEDGER_DATABASE_H

#include "ledger/journal.h"
#include "llm/price.h"

struct database;

enum database_mode {
    DATABASE_WRITE, /* made when it is not there */
    DATABASE_READ,
};

/* `birth`: of the journal that it belongs to (journal_birth(); 0: whichever). NULL with a fault: it
 * cannot be opened, is of a later version, or belongs to another journal. */
struct database *database_open(const char *path, enum database_mode mode, int64_t birth,
                               struct ledger_fault *fault);
/* Accepts NULL. */
void database_close(struct database **address);

/* Deletes receipts that began before, at most `most` of them; balances stay. How many, or -1 with a
 * fault: call again until it is 0. */
int64_t database_retain(struct database *database, int64_t before_wall_ns, int64_t most,
                        struct ledger_fault *fault);

/* ---- spend ---- */

enum spend_key {
    SPEND_TENANT,
    SPEND_KEY,
    SPEND_USER,
    SPEND_SESSION,
    SPEND_MODEL,
    SPEND_PROVIDER,
    SPEND_PROMPT,
    SPEND_DAY, /* UTC, "2026-11-24" */
    SPEND_TAG,
};

#define SPEND_MAX_COLUMNS 16
#define SPEND_TAG_MAX     64

struct spend_column {
    enum spend_key key;
    char tag[SPEND_TAG_MAX + 1]; /* its name, of SPEND_TAG */
};

struct spend_query {
    int64_t since_wall_ns;
    int64_t until_wall_ns; /* exclusive; INT64_MAX: all */
    struct spend_column by[SPEND_MAX_COLUMNS];
    size_t count; /* 0: one row, the sum */
};

/* "tenant,day,tag:feature" into by and count. False with a fault that names the bad one. */
bool spend_parse(struct span text, struct spend_query *query, struct ledger_fault *fault);
/* A column's heading: "tenant", "tag:feature". */
const char *spend_column_name(const struct spend_column *column, char room[SPEND_TAG_MAX + 8]);

struct spend_row {
    struct span by[SPEND_MAX_COLUMNS]; /* valid during the call */
    int64_t requests;
    int64_t input;
    int64_t cached_input;
    int64_t cache_write;
    int64_t output;
    int64_t reasoning;
    int64_t cost_nusd;                /* with what was resolved since */
    int64_t meter_nusd[PRICE_METERS]; /* of the cost; the rest is for requests, searches, and what
                                       * was resolved */
    int64_t
        uncertain_nusd; /* without what was; with holds that a crash left, which have no tenant */
};

/* Rows as they come, ordered by the columns. False with a fault. */
bool database_spend(struct database *database, const struct spend_query *query,
                    void (*each)(void *argument, const struct spend_row *row), void *argument,
                    struct ledger_fault *fault);

/* ---- what is uncertain, and balances ---- */

/* Each part that is uncertain, of windows that end after `wall_ns`, oldest first; `each` says false
 * to stop. */
bool database_uncertain(struct database *database, int64_t wall_ns,
                        bool (*each)(void *argument, const struct books_part *part,
                                     const struct books_budget *budget),
                        void *argument, struct ledger_fault *fault);
bool database_balances(struct database *database,
                       bool (*each)(void *argument, const struct books_balance *balance,
                                    const struct books_budget *budget),
                       void *argument, struct ledger_fault *fault);

/* ---- the applier ---- */

struct applier;

struct applier_settings {
    struct ledger_io *io;
    const char *directory;    /* the journal's */
    struct journal *journal;  /* NULL: nobody writes it; all of it is there */
    int64_t birth;            /* journal_birth(); 0 without a journal */
    const char *path;         /* of the database; without one, or without its beginning, it is made
                              * anew from the journal */
    int64_t retention_ns;     /* of receipts; 0: for ever */
    int64_t keep_segments_ns; /* segments are removed when applied and older; 0: never */
};

/* NULL with a fault; among them: the database is ahead of the journal (it lost its end). */
struct applier *applier_new(const struct applier_settings *settings, struct ledger_fault *fault);
/* Ends its thread, when it has one, after what is on the disk was applied. Accepts NULL. */
void applier_free(struct applier **address);
/* Applies from now on, on a thread of its own; a fault is logged, and tried again each second. */
void applier_start(struct applier *applier);
/* One transaction: how many records it applied, 0: there was nothing; -1 with a fault. Without a
 * thread only. */
int64_t applier_step(struct applier *applier, struct ledger_fault *fault);
/* Retention and old segments; the thread does it every hour. False with a fault. */
bool applier_clean(struct applier *applier, struct ledger_fault *fault);
/* weir_ledger_lag_records: slots in the journal that are not applied yet. Any thread. */
int64_t applier_lag(struct applier *applier);

#endif
