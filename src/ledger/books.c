/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One arithmetic for all sums. Each record becomes a `change` of one balance and one part, which is
 * checked as a whole before any of it is made.
 */
#include "ledger/books.h"

#include "base/assert.h"
#include "base/memory.h"
#include "books_private.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BUDGETS (1u << 24) /* ids are given one after the other; more is damage */

/* ---- the tables' keys ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * 0x9e3779b97f4a7c15;
    return x ^ (x >> 29);
}

static uint64_t hash_balance(const void *entry)
{
    const struct books_balance *balance = entry;
    return mix(mix((uint64_t)balance->window_id) + balance->budget);
}

static bool same_balance(const void *entry, const void *key)
{
    const struct books_balance *a = entry, *b = key;
    return a->budget == b->budget && a->window_id == b->window_id;
}

static bool used_balance(const void *entry)
{
    return ((const struct books_balance *)entry)->budget != 0;
}

static uint64_t hash_part(const void *entry)
{
    const struct part_key *key = entry;
    uint64_t place = ((uint64_t)key->attempt << 16) + key->part;
    return mix(mix(key->exchange.high + place) ^ key->exchange.low);
}

static bool same_part(const void *entry, const void *other)
{
    const struct part_key *a = entry, *b = other;
    return a->exchange.low == b->exchange.low && a->exchange.high == b->exchange.high &&
           a->attempt == b->attempt && a->part == b->part;
}

static bool used_part(const void *entry)
{
    return ((const struct books_part *)entry)->state != 0;
}

struct books *books_new(bool share)
{
    struct books *books = MEMORY_NEW(struct books);
    books->share = share;
    books->balances = (struct books_table){.entry_size = sizeof(struct books_balance),
                                           .hash = hash_balance,
                                           .same = same_balance,
                                           .used = used_balance};
    books->parts = (struct books_table){.entry_size = sizeof(struct books_part),
                                        .hash = hash_part,
                                        .same = same_part,
                                        .used = used_part};
    return books;
}

void books_free(struct books **address)
{
    struct books *books = *address;
    if (books == NULL)
        return;
    for (uint32_t id = 0; id < books->budget_capacity; id++) {
        free((char *)(uintptr_t)books->budgets[id].budget.name);
        free((char *)(uintptr_t)books->budgets[id].budget.window);
    }
    free(books->budgets);
    books_table_fini(&books->balances);
    books_table_fini(&books->parts);
    free(books);
    *address = NULL;
}

/* ---- budgets ---- */

static bool same_budget(const struct ledger_budget *a, const struct ledger_budget *b)
{
    return a->unit == b->unit && a->window_span == b->window_span &&
           strcmp(a->window, b->window) == 0 && strcmp(a->name, b->name) == 0;
}

static struct books_budget *budget_place(struct books *books, uint32_t id)
{
    if (id >= books->budget_capacity) {
        uint32_t capacity = books->budget_capacity == 0 ? 16 : books->budget_capacity;
        while (capacity <= id)
            capacity *= 2;
        books->budgets = memory_resize(books->budgets, capacity, sizeof(*books->budgets));
        memset(books->budgets + books->budget_capacity, 0,
               (capacity - books->budget_capacity) * sizeof(*books->budgets));
        books->budget_capacity = capacity;
    }
    return &books->budgets[id];
}

/* Of two limits the later one counts, whichever stream it comes from. */
enum books_fault books_put_budget(struct books *books, const struct ledger_budget *budget,
                                  int64_t limit, uint64_t order)
{
    if (budget->id == 0 || budget->id > MAX_BUDGETS)
        return BOOKS_NO_NAME;
    struct books_budget *place = budget_place(books, budget->id);
    if (place->budget.id == 0) {
        place->budget = *budget;
        place->budget.name = memory_string(budget->name, strlen(budget->name));
        place->budget.window = memory_string(budget->window, strlen(budget->window));
        if (budget->id > books->last_budget)
            books->last_budget = budget->id;
    } else if (!same_budget(&place->budget, budget)) {
        return BOOKS_NO_NAME;
    }
    if (order >= place->order) {
        place->limit = limit;
        place->order = order;
    }
    return BOOKS_FINE;
}

static enum books_fault apply_define(struct books *books, const struct record *record)
{
    struct ledger_budget budget;
    int64_t limit;
    char window[LEDGER_WINDOW_MAX + 1];
    char name[LEDGER_NAME_MAX + 1] UNINITIALIZED;
    if (!record_read_define(record->text, &budget, &limit, window, name))
        return BOOKS_GARBLED;
    return books_put_budget(books, &budget, limit, record->order);
}

const struct books_budget *books_budget(const struct books *books, uint32_t id)
{
    if (id >= books->budget_capacity || books->budgets[id].budget.id == 0)
        return NULL;
    return &books->budgets[id];
}

uint32_t books_last_budget(const struct books *books)
{
    return books->last_budget;
}

/* ---- balances and parts ---- */

/* What a record does to one balance. */
struct change {
    int64_t committed;
    int64_t spent;
    int64_t uncertain;
    int64_t granted; /* the new sum, where it is larger */
};

static bool add(int64_t *sum, int64_t amount)
{
    return !__builtin_add_overflow(*sum, amount, sum);
}

/* All or nothing. A window that is told twice with different ends keeps the later. */
static bool change_balance(struct books *books, const struct record *record,
                           const struct change *change)
{
    struct books_balance key = {.budget = record->budget, .window_id = record->window_id};
    struct books_balance *balance = books_table_find(&books->balances, &key);
    struct books_balance next = balance != NULL ? *balance : key;
    if (!add(&next.committed, change->committed) || !add(&next.spent, change->spent) ||
        !add(&next.uncertain, change->uncertain))
        return false;
    if (change->granted > next.granted)
        next.granted = change->granted;
    if (record->window_end_wall_ns > next.window_end_wall_ns)
        next.window_end_wall_ns = record->window_end_wall_ns;
    if (balance == NULL)
        balance = books_table_add(&books->balances, &key);
    *balance = next;
    return true;
}

static void put_part(struct books *books, const struct record *record, enum part_state state,
                     int64_t amount)
{
    struct books_part *part = books_table_add(&books->parts, &record->key);
    *part = (struct books_part){
        .key = record->key,
        .parts = record->parts,
        .state = (uint8_t)state,
        .flags = record->flags & (RECORD_BOUND | RECORD_FIRST),
        .budget = record->budget,
        .window_id = record->window_id,
        .window_end_wall_ns = record->window_end_wall_ns,
        .amount = amount,
        .wall_ns = record->wall_ns,
    };
}

void books_note_part(struct books *books, const struct record *record)
{
    put_part(books, record, (enum part_state)record->state, record->amount);
}

static bool is_of(const struct books_part *part, const struct record *record)
{
    return part->budget == record->budget && part->window_id == record->window_id;
}

static enum books_fault apply_open(struct books *books, const struct record *record)
{
    if (record->amount < 0)
        return BOOKS_OVERFLOW;
    if (books_table_find(&books->parts, &record->key) != NULL)
        return BOOKS_TWICE;
    if (!change_balance(books, record, &(struct change){.committed = record->amount}))
        return BOOKS_OVERFLOW;
    put_part(books, record, PART_OPEN, record->amount);
    return BOOKS_FINE;
}

static enum books_fault apply_extend(struct books *books, const struct record *record)
{
    struct books_part *part = books_table_find(&books->parts, &record->key);
    int64_t amount = part != NULL ? part->amount : 0;
    if (part == NULL || part->state != PART_OPEN)
        return BOOKS_NO_PART;
    if (!is_of(part, record))
        return BOOKS_MISMATCH;
    if (record->amount < 0 || !add(&amount, record->amount) ||
        !change_balance(books, record, &(struct change){.committed = record->amount}))
        return BOOKS_OVERFLOW;
    part->amount = amount;
    return BOOKS_FINE;
}

/* The part's amount ends; `cost` of it is spent and `uncertain` stays. */
static bool end_amount(struct books *books, const struct record *record, int64_t was_uncertain)
{
    int64_t committed = record->cost;
    return record->amount >= 0 && record->cost >= 0 && record->uncertain >= 0 &&
           add(&committed, record->uncertain) && add(&committed, -record->amount) &&
           change_balance(books, record,
                          &(struct change){.committed = committed,
                                           .spent = record->cost,
                                           .uncertain = record->uncertain - was_uncertain});
}

static enum books_fault apply_close(struct books *books, const struct record *record)
{
    struct books_part *part = books_table_find(&books->parts, &record->key);
    if (part == NULL || part->state == PART_UNCERTAIN)
        return BOOKS_NO_PART;
    /* (A part that the checkpoint of another stream knows as resolved is about to be closed here.) */
    bool resolved = part->state == PART_RESOLVED;
    if (!is_of(part, record) || (!resolved && part->amount != record->amount))
        return BOOKS_MISMATCH;
    if (!end_amount(books, record, 0))
        return BOOKS_OVERFLOW;
    books_table_remove(&books->parts, part);
    if (record->uncertain > 0 && !resolved)
        put_part(books, record, PART_UNCERTAIN, record->uncertain);
    return BOOKS_FINE;
}

static enum books_fault apply_resolve(struct books *books, const struct record *record)
{
    struct books_part *part = books_table_find(&books->parts, &record->key);
    if (part == NULL ? !books->share : part->state != PART_UNCERTAIN)
        return BOOKS_NO_PART;
    if (part != NULL && (!is_of(part, record) || part->amount != record->amount))
        return BOOKS_MISMATCH;
    if (record->uncertain != 0 || !end_amount(books, record, record->amount))
        return BOOKS_OVERFLOW;
    if (part != NULL)
        books_table_remove(&books->parts, part);
    else
        put_part(books, record, PART_RESOLVED, record->amount);
    return BOOKS_FINE;
}

static enum books_fault apply_grant(struct books *books, const struct record *record)
{
    if (record->amount < 0)
        return BOOKS_OVERFLOW;
    change_balance(books, record, &(struct change){.granted = record->amount});
    return BOOKS_FINE;
}

/* Whoever held it is gone: all of it may have been billed. */
static enum books_fault apply_epoch(struct books *books, const struct record *record)
{
    size_t cursor = 0;
    for (struct books_part *part; (part = books_table_next(&books->parts, &cursor)) != NULL;) {
        struct books_balance *balance;
        if (part->state != PART_OPEN)
            continue;
        balance = books_table_find(
            &books->balances,
            &(struct books_balance){.budget = part->budget, .window_id = part->window_id});
        if (balance == NULL)
            return BOOKS_MISMATCH;
        if (!add(&balance->uncertain, part->amount))
            return BOOKS_OVERFLOW;
        part->state = PART_UNCERTAIN;
        part->wall_ns = record->wall_ns;
    }
    return BOOKS_FINE;
}

/* ---- checkpoints ---- */

static enum books_fault add_balance(struct books *books, const struct record *record)
{
    struct change change = {.committed = record->amount,
                            .spent = record->cost,
                            .uncertain = record->uncertain,
                            .granted = record->limit};
    return change_balance(books, record, &change) ? BOOKS_FINE : BOOKS_OVERFLOW;
}

/* One stream says open or uncertain, another perhaps that it was resolved: then it is over. */
static enum books_fault add_part(struct books *books, const struct record *record)
{
    if (record->state < PART_OPEN || record->state > PART_RESOLVED)
        return BOOKS_GARBLED;
    struct books_part *part = books_table_find(&books->parts, &record->key);
    if (part == NULL) {
        put_part(books, record, (enum part_state)record->state, record->amount);
        return BOOKS_FINE;
    }
    bool resolved = part->state == PART_RESOLVED;
    if (resolved == (record->state == PART_RESOLVED))
        return BOOKS_TWICE;
    bool still_open = part->state == PART_OPEN || record->state == PART_OPEN;
    if (still_open && !resolved)
        part->state = PART_RESOLVED; /* its CLOSE is still to be read */
    else if (!still_open)
        books_table_remove(&books->parts, part);
    return BOOKS_FINE;
}

static enum books_fault apply_named(struct books *books, const struct record *record)
{
    if (books_budget(books, record->budget) == NULL)
        return BOOKS_NO_NAME;
    switch (record->kind) {
    case RECORD_BALANCE:
        return add_balance(books, record);
    case RECORD_PART:
        return add_part(books, record);
    case RECORD_OPEN:
        return apply_open(books, record);
    case RECORD_EXTEND:
        return apply_extend(books, record);
    case RECORD_CLOSE:
        return apply_close(books, record);
    case RECORD_RESOLVE:
        return apply_resolve(books, record);
    case RECORD_GRANT:
        return apply_grant(books, record);
    default:
        UNREACHABLE();
    }
}

enum books_fault books_apply(struct books *books, const struct record *record)
{
    switch (record->kind) {
    case RECORD_SEGMENT:
    case RECORD_RECEIPT:
    case RECORD_SEAL:
    case RECORD_CONTINUE:
        return BOOKS_FINE;
    case RECORD_EPOCH:
        return apply_epoch(books, record);
    case RECORD_DEFINE:
        return apply_define(books, record);
    default:
        return apply_named(books, record);
    }
}
