/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: what a run of records comes to. Balances by budget and window, parts of holds that are
 * not over, budgets by id. One arithmetic for the checkpoints, the recovery and the audits.
 *
 *             OPEN                 CLOSE with uncertain > 0, EPOCH          RESOLVE
 *   (nothing) ────▶ PART_OPEN ─────────────────────────────────▶ PART_UNCERTAIN ──▶ (nothing)
 *                       └──────── CLOSE with uncertain = 0 ──▶ (nothing)
 *
 * committed = spent + uncertain + what open parts hold. A stream's own books are its share of the
 * sums: a part may be resolved in another stream than it was opened in, which there leaves
 * PART_RESOLVED behind. Shares are added up by books_add. One thread at a time.
 */
#ifndef LEDGER_BOOKS_H
#define LEDGER_BOOKS_H

#include "ledger/record.h"

struct books;

struct books_balance {
    uint32_t budget;
    int64_t window_id;
    int64_t window_end_wall_ns; /* INT64_MAX: never */
    int64_t committed;          /* spent + uncertain + held */
    int64_t spent;
    int64_t uncertain;
    int64_t granted; /* to this node, of a shared budget */
};

struct books_part {
    struct part_key key;
    uint16_t parts;
    uint8_t state; /* enum part_state */
    uint8_t flags; /* enum record_flag */
    uint32_t budget;
    int64_t window_id;
    int64_t window_end_wall_ns;
    int64_t amount;  /* held, or uncertain */
    int64_t wall_ns; /* when it was opened, or became uncertain */
};

struct books_budget {
    struct ledger_budget budget; /* id 0: no such budget */
    int64_t limit;
    uint64_t order; /* of the record that said so */
};

enum books_fault {
    BOOKS_FINE,
    BOOKS_TWICE,    /* an OPEN of a part that is there already */
    BOOKS_NO_PART,  /* EXTEND, CLOSE or RESOLVE of a part that is not there, or not so */
    BOOKS_MISMATCH, /* another budget, window or amount than the part's */
    BOOKS_OVERFLOW, /* a sum beyond 64 bits, or a negative amount */
    BOOKS_NO_NAME,  /* a budget that no DEFINE has named, or that two name differently */
    BOOKS_GARBLED,  /* a text that cannot be read */
};
/* For people. */
const char *books_fault_text(enum books_fault fault);

/* `share`: of one stream; parts of other streams may be resolved here. */
struct books *books_new(bool share);
/* Accepts NULL. */
void books_free(struct books **address);

/* Applies a record of any kind; RECEIPT, SEGMENT and SEAL change nothing. After a fault the books
 * are as before. BALANCE and PART, of a checkpoint, are added. */
enum books_fault books_apply(struct books *books, const struct record *record);
/* Adds the balances, parts and budgets of another's. Faults: see above; `books` is then of no use.
 * */
enum books_fault books_add(struct books *books, const struct books *share);

/* NULL: not there. Valid until the next change. */
const struct books_balance *books_balance(const struct books *books, uint32_t budget,
                                          int64_t window_id);
const struct books_part *books_part(const struct books *books, const struct part_key *key);
const struct books_budget *books_budget(const struct books *books, uint32_t id);
uint32_t books_last_budget(const struct books *books);

/* Walks, in no order: start with *cursor 0; NULL at the end. No change meanwhile. */
const struct books_balance *books_next_balance(const struct books *books, size_t *cursor);
const struct books_part *books_next_part(const struct books *books, size_t *cursor);
size_t books_part_count(const struct books *books);

/* Drops the windows that ended before `wall_ns` in which no part is open, with what else they
 * have: nothing that is still to come asks for them. */
void books_forget(struct books *books, int64_t wall_ns);

#endif
