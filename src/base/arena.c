/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: a list of chunks of which only the last is allocated from. What is left of a chunk
 * when the next one is taken stays unused until a rewind or a reset.
 *
 * Invariants: total is the sum of all chunks with their heads, and total <= cap. `size` and `used`
 * of a chunk are multiples of ALIGN, so a size that fits still fits when rounded up: the fast path
 * is one comparison. Under the address sanitizer what is not handed out is poisoned, so that a use
 * after a rewind or past an allocation's end is reported.
 */
#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang tells by a feature, older gcc by a macro. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define POISON(ptr, size)   ASAN_POISON_MEMORY_REGION((ptr), (size))
#define UNPOISON(ptr, size) ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
#define POISON(ptr, size)   ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
#endif

#define ALIGN         alignof(max_align_t)
#define CHUNK_FIRST   ((size_t)4096)
#define CHUNK_LARGEST ((size_t)65536)

struct arena_chunk {
    struct arena_chunk *next; /* the one taken after it */
    size_t size;              /* of data */
    size_t used;              /* of size; only the last chunk's still grows */
    alignas(max_align_t) char data[];
};

#define CHUNK_HEAD offsetof(struct arena_chunk, data)

/* Lives in the arena that it belongs to, and so needs no freeing of its own. */
struct arena_cleanup {
    struct arena_cleanup *next; /* the one registered before */
    void (*run)(void *argument);
    void *argument;
};

static size_t align_up(size_t size)
{
    return (size + ALIGN - 1) & ~(ALIGN - 1);
}

static size_t align_down(size_t size)
{
    return size & ~(ALIGN - 1);
}

/* Bytes, head included, of the next chunk, which must hold `size`; 0 when the cap forbids it. */
static size_t next_chunk_bytes(const struct arena *arena, size_t size)
{
    size_t room = arena->cap - arena->total;
    /* This also keeps absurd sizes out of the sums below. */
    if (room < CHUNK_HEAD || size > align_down(room - CHUNK_HEAD))
        return 0;
    size_t bytes = CHUNK_FIRST;
    if (arena->current != NULL) {
        bytes = (CHUNK_HEAD + arena->current->size) * 2;
        if (bytes > CHUNK_LARGEST)
            bytes = CHUNK_LARGEST;
    }
    if (bytes < CHUNK_HEAD + align_up(size))
        bytes = CHUNK_HEAD + align_up(size);
    /* The last chunk under the cap is as large as the cap leaves room for. */
    if (bytes > room)
        bytes = CHUNK_HEAD + align_down(room - CHUNK_HEAD);
    return bytes;
}

/* Takes a chunk that holds `size` and makes it the current one. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t bytes = next_chunk_bytes(arena, size);
    struct arena_chunk *chunk = bytes > 0 ? malloc(bytes) : NULL;
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->size = bytes - CHUNK_HEAD;
    chunk->used = 0;
    POISON(chunk->data, chunk->size);
    if (arena->current != NULL)
        arena->current->next = chunk;
    else
        arena->first = chunk;
    arena->current = chunk;
    arena->total += bytes;
    return chunk;
}

/* As arena_alloc, but the bytes are not zeroed: for those who write all of them anyway. Failure is
 * tested first, so that a small size does not succeed after a large one failed. */
static void *take(struct arena *arena, size_t size)
{
    if (arena->failed)
        return NULL;
    struct arena_chunk *chunk = arena->current;
    if (chunk == NULL || size > chunk->size - chunk->used) {
        chunk = add_chunk(arena, size);
        if (chunk == NULL) {
            arena->failed = true;
            return NULL;
        }
    }
    char *memory = chunk->data + chunk->used;
    chunk->used += align_up(size);
    UNPOISON(memory, size);
    return memory;
}

static void free_chunk(struct arena *arena, struct arena_chunk *chunk)
{
    arena->total -= CHUNK_HEAD + chunk->size;
    free(chunk);
}

/* Makes `chunk` the last one, with `used` bytes handed out. */
static void cut_back(struct arena *arena, struct arena_chunk *chunk, size_t used)
{
    while (chunk->next != NULL) {
        struct arena_chunk *gone = chunk->next;
        chunk->next = gone->next;
        free_chunk(arena, gone);
    }
    chunk->used = used;
    POISON(chunk->data + used, chunk->size - used);
    arena->current = chunk;
}

/* Empties the arena. A first chunk made large by a large first allocation is not kept: an idle
 * connection's arena must stay small. */
static void empty(struct arena *arena)
{
    if (arena->first == NULL)
        return;
    cut_back(arena, arena->first, 0);
    if (CHUNK_HEAD + arena->first->size > CHUNK_FIRST) {
        free_chunk(arena, arena->first);
        arena->first = arena->current = NULL;
    }
}

static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups != NULL) {
        /* Off the list before it runs: it may register another. */
        struct arena_cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->next;
        cleanup->run(cleanup->argument);
    }
}

void arena_init(struct arena *arena, size_t cap)
{
    *arena = (struct arena){.cap = cap};
}

void arena_fini(struct arena *arena)
{
    arena_reset(arena);
    free(arena->first);
    *arena = (struct arena){.cap = arena->cap};
}

void arena_reset(struct arena *arena)
{
    run_cleanups(arena);
    empty(arena);
    arena->failed = false;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = take(arena, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product))
        product = SIZE_MAX; /* over any cap */
    return arena_alloc(arena, product);
}

struct span arena_copy(struct arena *arena, struct span s)
{
    char *copy = take(arena, s.len + 1);
    if (copy == NULL)
        return SPAN_NONE;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return span_make(copy, s.len);
}

struct span arena_join(struct arena *arena, const struct span *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(arena, len + 1);
    if (text == NULL)
        return SPAN_NONE;
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return span_make(text, len);
}

struct span arena_printf(struct arena *arena, const char *format, ...)
{
    /* Most texts are short: formatted once, here, and copied. */
    char small[256];
    va_list arguments;
    va_start(arguments, format);
    /* Below 0: a text that the locale cannot write, or one longer than an int counts. */
    int len = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    if (len < 0) {
        arena->failed = true;
        return SPAN_NONE;
    }
    if ((size_t)len < sizeof(small))
        return arena_copy(arena, span_make(small, (size_t)len));

    char *text = take(arena, (size_t)len + 1);
    if (text == NULL)
        return SPAN_NONE;
    va_start(arguments, format);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return span_make(text, (size_t)len);
}

bool arena_on_end(struct arena *arena, void (*run)(void *argument), void *argument)
{
    struct arena_cleanup *cleanup = take(arena, sizeof(*cleanup));
    if (cleanup == NULL)
        return false;
    *cleanup = (struct arena_cleanup){arena->cleanups, run, argument};
    arena->cleanups = cleanup;
    return true;
}

bool arena_failed(const struct arena *arena)
{
    return arena->failed;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->total;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){
        .chunk = arena->current,
        .used = arena->current != NULL ? arena->current->used : 0,
        .cleanups = arena->cleanups,
        .failed = arena->failed,
    };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    ASSERT(arena->cleanups == mark.cleanups);
    /* A mark in an arena that had no chunk yet has none to cut back to. */
    if (mark.chunk != NULL)
        cut_back(arena, mark.chunk, mark.used);
    else
        empty(arena);
    arena->failed = mark.failed;
}
