/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the books, for the two files that are made of it, and what a checkpoint says. */
#ifndef LEDGER_BOOKS_PRIVATE_H
#define LEDGER_BOOKS_PRIVATE_H

#include "books_table.h"

struct books {
    struct books_table balances;
    struct books_table parts;
    struct books_budget *budgets; /* by id */
    uint32_t budget_capacity;
    uint32_t last_budget;
    bool share;
};

/* Name and window are copied. */
enum books_fault books_put_budget(struct books *books, const struct ledger_budget *budget,
                                  int64_t limit, uint64_t order);

/* From now on those of one stream, which may resolve others' parts. */
void books_set_share(struct books *books);

/* Notes a part that is not there yet, and nothing else. */
void books_note_part(struct books *books, const struct record *record);

/* The checkpoint's records of an entry. */
struct record books_balance_record(const struct books_balance *balance);
struct record books_part_record(const struct books_part *part);

#endif
