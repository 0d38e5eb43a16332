/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash table. A slot with a NULL value is free; at most three slots in four are taken, so that
 * every probe ends. A removal closes its gap by moving later entries of the same run back, so there
 * are no tombstones and a look-up never passes a free slot.
 */
#include "base/table.h"

#include "base/assert.h"
#include "base/memory.h"
#include "siphash.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

/* Doubled from here on. */
#define CAPACITY_FIRST ((size_t)8)

static struct siphash_key process_key;
static atomic_bool process_key_drawn;

static void draw_process_key(void)
{
    ssize_t got;
    do {
        got = getrandom(&process_key, sizeof(process_key), 0);
    } while (got < 0 && errno == EINTR);
    ASSERT(got == sizeof(process_key));
    atomic_store_explicit(&process_key_drawn, true, memory_order_release);
}

uint64_t hash_bytes(struct span s)
{
    /* The flag saves the call of pthread_once() on every look-up. */
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!atomic_load_explicit(&process_key_drawn, memory_order_acquire))
        pthread_once(&once, draw_process_key);
    return siphash13(process_key, s);
}

/* The key's slot, or the free one where it would go. The capacity must not be 0. */
static size_t find(const struct table *table, struct span key, uint64_t hash)
{
    size_t mask = table->capacity - 1;
    size_t i = (size_t)hash & mask;
    for (;;) {
        const struct table_slot *slot = &table->slots[i];
        if (slot->value == NULL || (slot->hash == hash && span_equal(slot->key, key)))
            return i;
        i = (i + 1) & mask;
    }
}

static void grow(struct table *table)
{
    /* Hashes are kept in the slots, so that no key is hashed twice. */
    struct table old = *table;
    table->capacity = old.capacity > 0 ? old.capacity * 2 : CAPACITY_FIRST;
    table->slots = memory_array(table->capacity, sizeof(*table->slots));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].value != NULL)
            table->slots[find(table, old.slots[i].key, old.slots[i].hash)] = old.slots[i];
    free(old.slots);
}

void table_init(struct table *table)
{
    *table = (struct table){0};
}

void table_fini(struct table *table)
{
    free(table->slots);
    table_init(table);
}

void *table_get(const struct table *table, struct span key)
{
    if (table->count == 0)
        return NULL;
    return table->slots[find(table, key, hash_bytes(key))].value;
}

void *table_put(struct table *table, struct span key, void *value)
{
    ASSERT(value != NULL);
    /* Even when the key is there already: one test less, and at most one growth too early. */
    if ((table->count + 1) * 4 > table->capacity * 3)
        grow(table);
    uint64_t hash = hash_bytes(key);
    struct table_slot *slot = &table->slots[find(table, key, hash)];
    void *old = slot->value;
    /* The key too: the old one may live inside the old value. */
    *slot = (struct table_slot){.hash = hash, .key = key, .value = value};
    if (old == NULL)
        table->count++;
    return old;
}

/* Frees slot `gap` and moves back what could no longer be reached across it. */
static void close_gap(struct table *table, size_t gap)
{
    size_t mask = table->capacity - 1;
    for (size_t i = (gap + 1) & mask; table->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)table->slots[i].hash & mask;
        /* An entry may move to the gap when that is not before its home, seen around the ring. */
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            table->slots[gap] = table->slots[i];
            gap = i;
        }
    }
    table->slots[gap] = (struct table_slot){0};
}

void *table_remove(struct table *table, struct span key)
{
    if (table->count == 0)
        return NULL;
    size_t i = find(table, key, hash_bytes(key));
    void *old = table->slots[i].value;
    if (old != NULL) {
        close_gap(table, i);
        table->count--;
    }
    return old;
}

struct table_slot *table_next(const struct table *table, size_t *cursor)
{
    while (*cursor < table->capacity) {
        struct table_slot *slot = &table->slots[(*cursor)++];
        if (slot->value != NULL)
            return slot;
    }
    return NULL;
}
