/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash table from byte strings to pointers: open addressing, linear probing, SipHash-1-3 with a
 * random key per process, so that nobody outside can choose collisions. Keys are borrowed: they
 * must live as long as their entry. One thread, or immutable.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash;
    struct span key;
    void *value; /* NULL: free */
};

struct table {
    struct table_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

void table_init(struct table *table);
void table_fini(struct table *table);

/* NULL when absent. */
void *table_get(const struct table *table, struct span key);
/* Returns the value replaced, or NULL; the entry then borrows the new key. `value` must not be
 * NULL. */
void *table_put(struct table *table, struct span key, void *value);
/* Returns the value removed, or NULL. */
void *table_remove(struct table *table, struct span key);

/* Walk: start with *cursor 0; NULL at the end. The table must not change meanwhile. */
struct table_slot *table_next(const struct table *table, size_t *cursor);

/* SipHash-1-3 (Aumasson, Bernstein 2012) under the process's key. */
uint64_t hash_bytes(struct span s);

#endif
