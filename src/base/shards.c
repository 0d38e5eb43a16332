/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each shard is a chained hash table with a list of its entries in the order of their use.
 *
 *   key's low bits ──> shard ──> high bits ──> bucket ──> node ──> node
 *                        └── recent ⇄ … ⇄ oldest (leaves when there is no room)
 */
#include "base/shards.h"

#include "base/assert.h"
#include "base/list.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#define SHARDS 16 /* many more than threads */

struct node {
    struct node *next; /* in the bucket */
    struct list used;
    uint64_t key;
    alignas(max_align_t) char entry[];
};

struct shard {
    alignas(64) pthread_mutex_t mutex;
    struct node **buckets;
    struct list recent; /* first: the last one used */
    size_t count;
};

struct shards {
    struct shards_settings settings;
    size_t shard_max;
    size_t bucket_mask;
    struct shard shards[SHARDS];
};

static struct shard *shard_of(struct shards *shards, uint64_t key)
{
    return &shards->shards[key % SHARDS];
}

static struct node **bucket_of(const struct shards *shards, const struct shard *shard, uint64_t key)
{
    return &shard->buckets[(key >> 32) & shards->bucket_mask];
}

/* About one entry a bucket when full. */
static size_t bucket_count(size_t entries)
{
    size_t count = 1;
    while (count < entries)
        count *= 2;
    return count;
}

struct shards *shards_new(const struct shards_settings *settings)
{
    ASSERT(settings->max_entries >= SHARDS);
    /* Shards stand on cache lines of their own: aligned memory. */
    struct shards *shards = aligned_alloc(64, (sizeof *shards + 63) / 64 * 64);
    ASSERT(shards != NULL);
    shards->settings = *settings;
    shards->shard_max = settings->max_entries / SHARDS;
    size_t buckets = bucket_count(shards->shard_max);
    shards->bucket_mask = buckets - 1;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards->shards[i];
        pthread_mutex_init(&shard->mutex, NULL);
        shard->buckets = memory_array(buckets, sizeof *shard->buckets);
        list_init(&shard->recent);
        shard->count = 0;
    }
    return shards;
}

static void drop(struct shards *shards, struct shard *shard, struct node *node)
{
    struct node **at = bucket_of(shards, shard, node->key);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    list_remove(&node->used);
    shard->count--;
    if (shards->settings.drop != NULL)
        shards->settings.drop(node->entry);
    free(node);
}

void shards_free(struct shards **address)
{
    struct shards *shards = *address;
    *address = NULL;
    if (shards == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards->shards[i];
        while (!list_empty(&shard->recent))
            drop(shards, shard, LIST_ITEM(shard->recent.next, struct node, used));
        free(shard->buckets);
        pthread_mutex_destroy(&shard->mutex);
    }
    free(shards);
}

static struct node *find(const struct shards *shards, const struct shard *shard, uint64_t key)
{
    struct node *node = *bucket_of(shards, shard, key);
    while (node != NULL && node->key != key)
        node = node->next;
    return node;
}

static struct node *add(struct shards *shards, struct shard *shard, uint64_t key)
{
    if (shard->count == shards->shard_max)
        drop(shards, shard, LIST_ITEM(shard->recent.prev, struct node, used));
    struct node *node = memory_new(sizeof *node + shards->settings.entry_size);
    struct node **bucket = bucket_of(shards, shard, key);
    node->key = key;
    node->next = *bucket;
    *bucket = node;
    list_init(&node->used);
    shard->count++;
    return node;
}

void *shards_hold(struct shards *shards, uint64_t key, bool *is_new)
{
    struct shard *shard = shard_of(shards, key);
    pthread_mutex_lock(&shard->mutex);
    struct node *node = find(shards, shard, key);
    *is_new = node == NULL;
    if (node == NULL)
        node = add(shards, shard, key);
    else
        list_remove(&node->used);
    list_prepend(&shard->recent, &node->used);
    return node->entry;
}

void shards_release(struct shards *shards, uint64_t key)
{
    pthread_mutex_unlock(&shard_of(shards, key)->mutex);
}

void shards_remove(struct shards *shards, uint64_t key)
{
    struct shard *shard = shard_of(shards, key);
    pthread_mutex_lock(&shard->mutex);
    struct node *node = find(shards, shard, key);
    if (node != NULL)
        drop(shards, shard, node);
    pthread_mutex_unlock(&shard->mutex);
}

size_t shards_count(struct shards *shards)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards->shards[i];
        pthread_mutex_lock(&shard->mutex);
        count += shard->count;
        pthread_mutex_unlock(&shard->mutex);
    }
    return count;
}
