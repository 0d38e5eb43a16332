/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table that all threads share: fixed shards, one mutex each, entries of one size under keys that
 * are hashes already. In a full shard the entry that was longest not asked for leaves. An entry is
 * looked at while its shard is held: do little then, and call nothing that waits or holds another.
 */
#ifndef BASE_SHARDS_H
#define BASE_SHARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shards;

struct shards_settings {
    size_t entry_size;
    size_t max_entries;        /* over all shards */
    void (*drop)(void *entry); /* frees what an entry owns, within the hold; NULL: nothing */
};

/* No memory is taken for entries until they come. */
struct shards *shards_new(const struct shards_settings *settings);
/* When no other thread can come any more. Accepts NULL. */
void shards_free(struct shards **address);

/* The entry of the key, made and zeroed when there is none. Its shard is held until
 * shards_release(). Two keys of one hash share an entry: who cannot have that keeps the whole key in
 * it. */
void *shards_hold(struct shards *shards, uint64_t key, bool *is_new);
void shards_release(struct shards *shards, uint64_t key);
/* Forgets an entry. */
void shards_remove(struct shards *shards, uint64_t key);
size_t shards_count(struct shards *shards);

#endif
