/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Robust to a million entries: the table is at most half full, and doubles. */
#include "books_table.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

static void *place(const struct books_table *table, size_t i)
{
    return table->entries + i * table->entry_size;
}

/* The entry of that key, or the free place where it would be. */
static void *probe(const struct books_table *table, const void *key)
{
    size_t mask = table->capacity - 1;
    for (size_t i = table->hash(key) & mask;; i = (i + 1) & mask) {
        void *entry = place(table, i);
        if (!table->used(entry) || table->same(entry, key))
            return entry;
    }
}

void *books_table_find(const struct books_table *table, const void *key)
{
    if (table->count == 0)
        return NULL;
    void *entry = probe(table, key);
    return table->used(entry) ? entry : NULL;
}

static void grow(struct books_table *table)
{
    struct books_table old = *table;
    table->capacity = old.capacity == 0 ? FIRST_CAPACITY : old.capacity * 2;
    table->entries = memory_array(table->capacity, table->entry_size);
    for (size_t i = 0; i < old.capacity; i++) {
        const void *entry = place(&old, i);
        if (table->used(entry))
            memcpy(probe(table, entry), entry, table->entry_size);
    }
    free(old.entries);
}

void *books_table_add(struct books_table *table, const void *key)
{
    if (table->count >= table->capacity / 2)
        grow(table);
    table->count++;
    return probe(table, key);
}

/* Closes the gap: each later entry of the run moves back unless it would pass its own place. */
void books_table_remove(struct books_table *table, void *entry)
{
    size_t mask = table->capacity - 1;
    size_t gap = (size_t)((uint8_t *)entry - table->entries) / table->entry_size;
    for (size_t i = (gap + 1) & mask; table->used(place(table, i)); i = (i + 1) & mask) {
        size_t home = table->hash(place(table, i)) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            memcpy(place(table, gap), place(table, i), table->entry_size);
            gap = i;
        }
    }
    memset(place(table, gap), 0, table->entry_size);
    table->count--;
}

void *books_table_next(const struct books_table *table, size_t *cursor)
{
    while (*cursor < table->capacity) {
        void *entry = place(table, (*cursor)++);
        if (table->used(entry))
            return entry;
    }
    return NULL;
}

void books_table_fini(struct books_table *table)
{
    free(table->entries);
    table->entries = NULL;
    table->capacity = table->count = 0;
}
