/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena hands out memory that is all given back at once. Chunks grow from small to large, a cap
 * bounds their sum, and overflow is sticky: after it every allocation fails and arena_failed() says
 * so, so that a caller may check once at the end of a step. An arena also owns resources: cleanup
 * entries run, last first, when it ends. One thread at a time.
 *
 *   first chunk (kept across arena_reset)   further chunks (freed by arena_reset)
 *   [used........|free.......]  ->  [used...|free]  ->  ...
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena_cleanup;

struct arena {
    struct arena_chunk *first;
    struct arena_chunk *current;
    struct arena_cleanup *cleanups;
    size_t total; /* bytes in all chunks */
    size_t cap;
    bool failed;
};

struct arena_mark {
    struct arena_chunk *chunk;
    size_t used;
    struct arena_cleanup *cleanups;
    bool failed;
};

/* No memory is taken until the first allocation. `cap` bounds the bytes of all chunks. */
void arena_init(struct arena *arena, size_t cap);
/* Runs the cleanups, frees everything. The arena may be initialised again. */
void arena_fini(struct arena *arena);
/* Runs the cleanups and forgets all contents and failure, but keeps the first chunk for the next
 * use (unless a large first allocation made it larger than usual). */
void arena_reset(struct arena *arena);

/* Zeroed memory aligned for any object; NULL (and sticky failure) over the cap. */
void *arena_alloc(struct arena *arena, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
/* As arena_alloc(count * size) with the product checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy, with a NUL after it that does not count in len. Over the cap: the empty span. */
struct span arena_copy(struct arena *arena, struct span s);
/* The parts one after the other; a NUL follows. Over the cap: the empty span. */
struct span arena_join(struct arena *arena, const struct span *parts, size_t count);
/* printf into the arena; a NUL follows. Over the cap: the empty span. */
struct span arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `run(argument)` is called once, when the arena ends or is reset. False over the cap (nothing is
 * registered then: the caller still owns the resource). */
bool arena_on_end(struct arena *arena, void (*run)(void *argument), void *argument);

bool arena_failed(const struct arena *arena);
/* Bytes taken from the system. */
size_t arena_bytes(const struct arena *arena);

/* Rewinding gives back what was allocated since the mark, and takes back a failure since then: a
 * scratch arena outlives one event that was too large. Cleanup entries must not have been added in
 * between (asserted). */
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#endif
