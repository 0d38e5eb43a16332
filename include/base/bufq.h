/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes in fixed-size chunks, with a cap: what waits for a slow reader. Bytes are copied
 * in once and handed out in place. Chunks come from malloc and go back as they empty, so that an
 * idle queue holds nothing. One thread.
 */
#ifndef BASE_BUFQ_H
#define BASE_BUFQ_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct bufq_chunk;

struct bufq {
    struct bufq_chunk *head;
    struct bufq_chunk *tail;
    size_t len;
    size_t cap;
};

void bufq_init(struct bufq *queue, size_t cap);
void bufq_fini(struct bufq *queue);

/* All or nothing: false when the sum would pass the cap. */
bool bufq_push(struct bufq *queue, struct span s);
/* The first contiguous run; empty when the queue is. Valid until the next consume. */
struct span bufq_front(const struct bufq *queue);
/* Fills up to `max` spans from the front, returns how many. */
size_t bufq_fronts(const struct bufq *queue, struct span *spans, size_t max);
void bufq_consume(struct bufq *queue, size_t size);
static inline size_t bufq_len(const struct bufq *queue)
{
    return queue->len;
}

#endif
