/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Books as a whole: looked at, added up, written into checkpoints, relieved of what is over. */
#include "books_private.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *books_fault_text(enum books_fault fault)
{
    switch (fault) {
    case BOOKS_FINE:
        return "nothing is wrong";
    case BOOKS_TWICE:
        return "a hold is opened twice";
    case BOOKS_NO_PART:
        return "a hold ends or grows that is not open, or is resolved that is not uncertain";
    case BOOKS_MISMATCH:
        return "a hold ends with another budget, window or amount than it has";
    case BOOKS_OVERFLOW:
        return "an amount is negative, or a sum too large";
    case BOOKS_NO_NAME:
        return "a budget has no name, or two";
    case BOOKS_GARBLED:
        return "the record's text cannot be read";
    }
    return "unknown";
}

void books_set_share(struct books *books)
{
    books->share = true;
}

const struct books_balance *books_balance(const struct books *books, uint32_t budget,
                                          int64_t window_id)
{
    return books_table_find(&books->balances,
                            &(struct books_balance){.budget = budget, .window_id = window_id});
}

const struct books_part *books_part(const struct books *books, const struct part_key *key)
{
    return books_table_find(&books->parts, key);
}

const struct books_balance *books_next_balance(const struct books *books, size_t *cursor)
{
    return books_table_next(&books->balances, cursor);
}

const struct books_part *books_next_part(const struct books *books, size_t *cursor)
{
    return books_table_next(&books->parts, cursor);
}

size_t books_part_count(const struct books *books)
{
    return books->parts.count;
}

struct record books_balance_record(const struct books_balance *balance)
{
    return (struct record){
        .kind = RECORD_BALANCE,
        .budget = balance->budget,
        .window_id = balance->window_id,
        .window_end_wall_ns = balance->window_end_wall_ns,
        .amount = balance->committed,
        .limit = balance->granted,
        .cost = balance->spent,
        .uncertain = balance->uncertain,
    };
}

struct record books_part_record(const struct books_part *part)
{
    return (struct record){
        .kind = RECORD_PART,
        .flags = part->flags,
        .state = part->state,
        .key = part->key,
        .parts = part->parts,
        .budget = part->budget,
        .window_id = part->window_id,
        .window_end_wall_ns = part->window_end_wall_ns,
        .amount = part->amount,
        .wall_ns = part->wall_ns,
    };
}

/* ---- adding up ---- */

static enum books_fault add_budgets(struct books *books, const struct books *share)
{
    for (uint32_t id = 1; id <= share->last_budget; id++) {
        const struct books_budget *budget = books_budget(share, id);
        enum books_fault fault = BOOKS_FINE;
        if (budget != NULL)
            fault = books_put_budget(books, &budget->budget, budget->limit, budget->order);
        if (fault != BOOKS_FINE)
            return fault;
    }
    return BOOKS_FINE;
}

enum books_fault books_add(struct books *books, const struct books *share)
{
    enum books_fault fault = add_budgets(books, share);
    size_t cursor = 0;
    for (const struct books_balance *balance;
         fault == BOOKS_FINE && (balance = books_next_balance(share, &cursor)) != NULL;) {
        struct record record = books_balance_record(balance);
        fault = books_apply(books, &record);
    }
    cursor = 0;
    for (const struct books_part *part;
         fault == BOOKS_FINE && (part = books_next_part(share, &cursor)) != NULL;) {
        struct record record = books_part_record(part);
        fault = books_apply(books, &record);
    }
    return fault;
}

/* ---- forgetting ---- */

/* The windows in which something is still open. */
static struct books *find_open(const struct books *books)
{
    struct books *open = books_new(true);
    size_t cursor = 0;
    for (const struct books_part *part; (part = books_next_part(books, &cursor)) != NULL;) {
        struct books_balance key = {.budget = part->budget, .window_id = part->window_id};
        if (part->state == PART_OPEN && books_table_find(&open->balances, &key) == NULL)
            *(struct books_balance *)books_table_add(&open->balances, &key) = key;
    }
    return open;
}

/* Removing moves other entries about, so what goes is collected first. */
static void remove_all(struct books_table *table, const struct books_table *doomed)
{
    size_t cursor = 0;
    for (const void *key; (key = books_table_next(doomed, &cursor)) != NULL;)
        books_table_remove(table, books_table_find(table, key));
}

static void doom(struct books_table *doomed, const void *entry)
{
    memcpy(books_table_add(doomed, entry), entry, doomed->entry_size);
}

static bool any_over(const struct books *books, int64_t wall_ns)
{
    size_t cursor = 0;
    for (const struct books_balance *b; (b = books_next_balance(books, &cursor)) != NULL;) {
        if (b->window_end_wall_ns <= wall_ns)
            return true;
    }
    return false;
}

void books_forget(struct books *books, int64_t wall_ns)
{
    if (!any_over(books, wall_ns))
        return;
    struct books *open = find_open(books), *over = books_new(true);
    size_t cursor = 0;
    for (const struct books_balance *balance;
         (balance = books_next_balance(books, &cursor)) != NULL;) {
        if (balance->window_end_wall_ns <= wall_ns &&
            books_balance(open, balance->budget, balance->window_id) == NULL)
            doom(&over->balances, balance);
    }
    cursor = 0;
    for (const struct books_part *part; (part = books_next_part(books, &cursor)) != NULL;) {
        if (books_balance(over, part->budget, part->window_id) != NULL)
            doom(&over->parts, part);
    }
    remove_all(&books->parts, &over->parts);
    remove_all(&books->balances, &over->balances);
    books_free(&open);
    books_free(&over);
}
