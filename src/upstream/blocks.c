/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is a header and up to 2 KiB of memory in one of seven sizes; larger ones are malloc's
 * own, with the same header.
 *
 *   [ capacity | memory .......... ]   in use: capacity says which list it came from
 *   [ next     | ................. ]   on the free list of the thread that freed it
 *
 * A list keeps at most CACHED_BYTES, the rest goes back to malloc, so blocks that wander from
 * thread to thread pile up nowhere. A thread that ends (curl makes one for each name it resolves)
 * gives its lists back.
 */
#include "blocks.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_COUNT  ((size_t)7)
#define CLASS_FIRST  ((size_t)32)
#define CLASS_LAST   (CLASS_FIRST << (CLASS_COUNT - 1))
#define CACHED_BYTES ((size_t)64 * 1024)

/* The header is as large as the strictest alignment, so what follows it is aligned for anything. */
union block {
    size_t capacity;
    union block *next;
    alignas(max_align_t) char align[1];
};

struct cache {
    union block *free[CLASS_COUNT];
    size_t count[CLASS_COUNT];
    bool registered;
};

static _Thread_local struct cache cache;
static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

/* At a thread's end. Another key's destructor may call curl after this one: then blocks_free()
 * registers the cache again. */
static void release_cache(void *argument)
{
    struct cache *mine = argument;
    mine->registered = false;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        while (mine->free[i] != NULL) {
            union block *block = mine->free[i];
            mine->free[i] = block->next;
            free(block);
        }
        mine->count[i] = 0;
    }
}

static void make_key(void)
{
    int error = pthread_key_create(&cache_key, release_cache);
    ASSERT(error == 0);
}

/* So that this thread's end frees its lists. */
static void register_cache(void)
{
    pthread_once(&cache_once, make_key);
    cache.registered = pthread_setspecific(cache_key, &cache) == 0;
}

/* The list for blocks of at least `size`, which is at most CLASS_LAST. */
static size_t class_of(size_t size) /* 0 for up to 32 bytes, 1 for up to 64, ... */
{
    if (size <= CLASS_FIRST)
        return 0;
    return (size_t)(__builtin_clzl(CLASS_FIRST - 1) - __builtin_clzl(size - 1));
}

static union block *block_of(void *memory)
{
    return (union block *)memory - 1;
}

static void *block_new(size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof(union block))
        return NULL;
    union block *block = malloc(sizeof(union block) + capacity);
    if (block == NULL)
        return NULL;
    block->capacity = capacity;
    return block + 1;
}

void *blocks_malloc(size_t size)
{
    if (size > CLASS_LAST)
        return block_new(size);
    size_t class = class_of(size);
    union block *block = cache.free[class];
    if (block == NULL)
        return block_new(CLASS_FIRST << class);
    cache.free[class] = block->next;
    cache.count[class]--;
    block->capacity = CLASS_FIRST << class;
    return block + 1;
}

void *blocks_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = blocks_malloc(bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

/* Between two large sizes realloc can often grow in place. */
static void *resize_large(union block *block, size_t size)
{
    if (size > SIZE_MAX - sizeof(union block))
        return NULL;
    union block *moved = realloc(block, sizeof(union block) + size);
    if (moved == NULL)
        return NULL;
    moved->capacity = size;
    return moved + 1;
}

void *blocks_realloc(void *old, size_t size)
{
    if (old == NULL)
        return blocks_malloc(size);
    union block *block = block_of(old);
    size_t capacity = block->capacity;
    if (capacity > CLASS_LAST && size > CLASS_LAST)
        return resize_large(block, size);
    /* A small block is never moved to a smaller one: curl's buffers only grow. */
    if (size <= capacity && capacity <= CLASS_LAST)
        return old;
    void *memory = blocks_malloc(size);
    if (memory == NULL)
        return NULL;
    memcpy(memory, old, size < capacity ? size : capacity);
    blocks_free(old);
    return memory;
}

char *blocks_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = blocks_malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void blocks_free(void *memory)
{
    if (memory == NULL)
        return;
    union block *block = block_of(memory);
    size_t capacity = block->capacity;
    /* The block goes to this thread's list, whichever thread it came from. */
    size_t class = capacity <= CLASS_LAST ? class_of(capacity) : CLASS_COUNT;
    if (!cache.registered)
        register_cache();
    if (class == CLASS_COUNT || !cache.registered ||
        cache.count[class] >= CACHED_BYTES / capacity) {
        free(block);
        return;
    }
    block->next = cache.free[class];
    cache.free[class] = block;
    cache.count[class]++;
}
