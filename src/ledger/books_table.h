/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two tables of the books: open addressing, linear probing, entries in place, no tombstones
 * (a removal moves later ones back). Keys are numbers that we made ourselves, so a plain mixing
 * hash will do.
 */
#ifndef LEDGER_BOOKS_TABLE_H
#define LEDGER_BOOKS_TABLE_H

#include "ledger/books.h"

/* Entries whose first bytes are the key (key_size); all zero is no key, and marks a free place. */
struct books_table {
    uint8_t *entries;
    size_t entry_size;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    uint64_t (*hash)(const void *entry);
    bool (*same)(const void *entry, const void *key);
    bool (*used)(const void *entry);
};

/* NULL: not there. */
void *books_table_find(const struct books_table *table, const void *key);
/* A zeroed place for the key, which the caller writes at once and which was not there. */
void *books_table_add(struct books_table *table, const void *key);
/* `entry` is one of the table's. */
void books_table_remove(struct books_table *table, void *entry);
/* Start with *cursor 0; NULL at the end. */
void *books_table_next(const struct books_table *table, size_t *cursor);
void books_table_fini(struct books_table *table);

#endif
