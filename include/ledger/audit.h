/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audits behind `weir ledger`: does the database say what the journal says, did any record ever
 * take more than the limit, the database made anew, what is uncertain resolved. The first two may
 * run beside a gateway; the others take its lock.
 */
#ifndef LEDGER_AUDIT_H
#define LEDGER_AUDIT_H

#include "ledger/database.h"

struct audit {
    struct ledger_io *io;
    const char *state_dir;
    const char *path; /* the database's */
};

/* Compares, up to what was applied: every receipt, balance, uncertain part and budget. `each` is
 * told every difference, in a sentence. *differences is how many; false with a fault when it cannot
 * be told. Balances of windows that the journal has forgotten are not compared, nor receipts that
 * retention has removed. */
bool ledger_verify(const struct audit *audit, void (*each)(void *argument, const char *text),
                   void *argument, uint64_t *differences, struct ledger_fault *fault);

struct proof {
    uint64_t records;
    uint64_t holds;    /* parts that were opened */
    uint64_t checked;  /* of them (and extensions), under a bound */
    uint64_t breaches; /* holds that came to cost more than they held: the provider's doing */
    bool holds_good;
    char violation[512]; /* the first: what, and where */
};

/* Walks all records in their order: after each one that takes room under a bound, what is committed
 * is at most the limit in force; no hold ends twice or keeps more than it had; no sum is negative.
 * False with a fault when the journal cannot be read. (After a power loss with `durability:
 * default` the record of room given back may be lost where that of its taking is not.) */
bool ledger_prove(const struct audit *audit, struct proof *proof, struct ledger_fault *fault);

/* A new database from the journal, swapped in. */
bool ledger_rebuild(const struct audit *audit, uint64_t *records, struct ledger_fault *fault);

/* What becomes of an uncertain hold. */
struct resolution {
    bool in_full;   /* all of it is charged; else: */
    int64_t nusd;   /* charged of each part in dollars; 0: released */
    int64_t tokens; /* of each part in tokens */
};

/* Resolves every uncertain part of an exchange's attempt (0: of all its attempts), in the journal
 * and the database. *count is how many parts; 0: there is none such. */
bool ledger_resolve(const struct audit *audit, struct id exchange, uint32_t attempt,
                    const struct resolution *resolution, size_t *count, struct ledger_fault *fault);
/* The same in a running gateway, into its control stream, which is flushed: the database follows.
 * The parts come from `database`. */
bool ledger_resolve_live(struct journal *journal, struct database *database, struct id exchange,
                         uint32_t attempt, const struct resolution *resolution, size_t *count,
                         struct ledger_fault *fault);

/* "req_01J…" or the 26 characters alone. */
bool ledger_parse_id(struct span text, struct id *id);

#endif
