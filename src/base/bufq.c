/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of chunks. Bytes go into the tail and leave from the head; an emptied chunk is freed at
 * once, so head is never an empty chunk.
 *
 *   head                      tail
 *   [gone|bytes.....] -> ... -> [bytes...|free]
 *        ^start   ^end
 */
#include "base/bufq.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* With the head of the chunk. The small size is for the usual case of one event that the socket
 * takes at once; malloc has it at hand. */
#define CHUNK_BYTES       ((size_t)16384)
#define CHUNK_SMALL_BYTES ((size_t)1024)

struct bufq_chunk {
    struct bufq_chunk *next;
    size_t start;
    size_t end;
    size_t size; /* of data */
    char data[];
};

static struct bufq_chunk *new_chunk(size_t bytes)
{
    struct bufq_chunk *chunk = malloc(bytes);
    if (chunk != NULL)
        *chunk = (struct bufq_chunk){.size = bytes - sizeof(*chunk)};
    return chunk;
}

static void free_chunks(struct bufq_chunk *chunk)
{
    while (chunk != NULL) {
        struct bufq_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

/* A list of empty chunks for `size` bytes; NULL when memory is out. */
static struct bufq_chunk *new_chunks(size_t size, bool first_in_queue)
{
    bool small = first_in_queue && size <= CHUNK_SMALL_BYTES - sizeof(struct bufq_chunk);
    struct bufq_chunk *first = NULL;
    struct bufq_chunk **link = &first;
    for (size_t have = 0; have < size; link = &(*link)->next) {
        *link = new_chunk(small ? CHUNK_SMALL_BYTES : CHUNK_BYTES);
        if (*link == NULL) {
            free_chunks(first);
            return NULL;
        }
        have += (*link)->size;
    }
    return first;
}

/* Copies what fits into `chunk`, returns the rest. */
static struct span fill(struct bufq_chunk *chunk, struct span s)
{
    size_t size = chunk->size - chunk->end;
    if (size > s.len)
        size = s.len;
    memcpy(chunk->data + chunk->end, s.ptr, size);
    chunk->end += size;
    return span_from(s, size);
}

void bufq_init(struct bufq *queue, size_t cap)
{
    *queue = (struct bufq){.cap = cap};
}

void bufq_fini(struct bufq *queue)
{
    free_chunks(queue->head);
    bufq_init(queue, queue->cap);
}

bool bufq_push(struct bufq *queue, struct span s)
{
    if (s.len > queue->cap - queue->len)
        return false;
    if (s.len == 0)
        return true;
    /* All memory is taken before the first byte is copied. */
    size_t room = queue->tail != NULL ? queue->tail->size - queue->tail->end : 0;
    struct bufq_chunk *added = NULL;
    if (s.len > room) {
        added = new_chunks(s.len - room, queue->head == NULL);
        if (added == NULL)
            return false;
    }
    queue->len += s.len;
    if (queue->tail != NULL) {
        s = fill(queue->tail, s);
        queue->tail->next = added;
    } else {
        queue->head = added;
    }
    for (; added != NULL; added = added->next) {
        s = fill(added, s);
        queue->tail = added;
    }
    return true;
}

struct span bufq_front(const struct bufq *queue)
{
    struct span front = SPAN_NONE;
    bufq_fronts(queue, &front, 1);
    return front;
}

size_t bufq_fronts(const struct bufq *queue, struct span *spans, size_t max)
{
    size_t count = 0;
    for (const struct bufq_chunk *chunk = queue->head; chunk != NULL && count < max;
         chunk = chunk->next)
        spans[count++] = span_make(chunk->data + chunk->start, chunk->end - chunk->start);
    return count;
}

void bufq_consume(struct bufq *queue, size_t size)
{
    ASSERT(size <= queue->len);
    queue->len -= size;
    while (size > 0) {
        struct bufq_chunk *chunk = queue->head;
        ASSERT(chunk != NULL);
        size_t part = chunk->end - chunk->start;
        if (size < part) {
            chunk->start += size;
            return;
        }
        size -= part;
        queue->head = chunk->next;
        if (queue->head == NULL)
            queue->tail = NULL;
        free(chunk);
    }
}
