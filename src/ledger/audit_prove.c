/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof: the books never hold more than the limit, record by record.
 *
 * It holds for the order of records because room is taken before its OPEN is recorded, and given
 * back after its CLOSE is: at every record, what the records hold is at most what the cells held.
 */
#include "ledger/audit.h"

#include "ledger/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What counts against the limit: of a rolling window, all its slots. */
static int64_t committed_now(const struct books *books, const struct record *record)
{
    const struct books_budget *budget = books_budget(books, record->budget);
    int64_t sum = 0;
    for (uint32_t back = 0; back < budget->budget.window_span; back++) {
        const struct books_balance *balance =
            books_balance(books, record->budget, record->window_id - (int64_t)back);
        if (balance != NULL && __builtin_add_overflow(sum, balance->committed, &sum))
            return INT64_MAX;
    }
    return sum;
}

static void violate(struct walk *walk, const struct record *record, struct proof *proof,
                    const char *what, int64_t amount, int64_t limit)
{
    const struct books_budget *budget = books_budget(walk_books(walk), record->budget);
    char name[ID_TEXT_SIZE];
    proof->holds_good = false;
    snprintf(proof->violation, sizeof(proof->violation),
             "%.200s (order %" PRIu64 "): budget '%.100s' window %" PRId64 ", hold %s: %s %" PRId64
             ", limit %" PRId64,
             walk_place(walk), record->order, budget->budget.name, record->window_id,
             id_format(record->key.exchange, name), what, amount, limit);
}

static void check_taken(struct walk *walk, const struct record *record, struct proof *proof)
{
    if ((record->flags & RECORD_BOUND) == 0 || record->amount == 0)
        return;
    int64_t committed = committed_now(walk_books(walk), record);
    proof->checked++;
    if (committed > record->limit)
        violate(walk, record, proof, "committed", committed, record->limit);
}

/* A cost above the hold is the provider's doing; more uncertain than was held would be ours. */
static void check_ended(struct walk *walk, const struct record *record, struct proof *proof)
{
    if (record->cost > record->amount)
        proof->breaches++;
    else if (record->uncertain > record->amount - record->cost)
        violate(walk, record, proof, "uncertain", record->uncertain, record->amount - record->cost);
}

static void check(struct walk *walk, const struct record *record, struct proof *proof)
{
    switch (record->kind) {
    case RECORD_OPEN:
        proof->holds++;
        check_taken(walk, record, proof);
        break;
    case RECORD_EXTEND:
        check_taken(walk, record, proof);
        break;
    case RECORD_CLOSE:
    case RECORD_RESOLVE:
        check_ended(walk, record, proof);
        break;
    default:
        return;
    }
    const struct books_balance *balance =
        books_balance(walk_books(walk), record->budget, record->window_id);
    if (balance->committed < 0 || balance->spent < 0 || balance->uncertain < 0)
        violate(walk, record, proof, "a negative sum; committed", balance->committed,
                record->limit);
}

bool ledger_prove(const struct audit *audit, struct proof *proof, struct ledger_fault *fault)
{
    char directory[512];
    const struct record *record;
    *proof = (struct proof){.holds_good = true};
    snprintf(directory, sizeof(directory), "%s/journal", audit->state_dir);
    struct walk *walk = walk_open(audit->io, directory, WALK_ALL, fault);
    if (walk == NULL) {
        if (fault->text[0] == '\0')
            ledger_fault_set(fault, "%s: there is no journal", directory);
        return false;
    }
    while (proof->holds_good && walk_next(walk, &record, fault)) {
        proof->records++;
        if (record->order > walk_consistent_from(walk))
            check(walk, record, proof);
    }
    walk_close(&walk);
    return fault->text[0] == '\0';
}
