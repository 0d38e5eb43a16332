/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a ceiling set at birth and room kept free in front, so that a head can
 * be put before a body that is already there. Failure (over the ceiling) is sticky: later appends
 * do nothing and buf_failed() tells, so that a writer checks once at the end.
 *
 *   data                                     capacity
 *   [ front room | contents .......... | free ]
 *                ^start                ^end
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t start;
    size_t end;
    size_t capacity;
    size_t ceiling; /* most bytes of contents */
    size_t front;   /* room kept in front when memory is taken */
    bool failed;
};

/* Takes no memory yet. */
void buf_init(struct buf *buf, size_t ceiling, size_t front);
void buf_fini(struct buf *buf);
/* Empties it, clears failure, keeps the memory when that is at most `keep` bytes. */
void buf_reset(struct buf *buf, size_t keep);

/* False, and sticky failure, over the ceiling; nothing is appended then. `s` must not lie in
 * `buf`. */
bool buf_append(struct buf *buf, struct span s);
bool buf_append_byte(struct buf *buf, char byte);
bool buf_append_u64(struct buf *buf, uint64_t value);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts `s` before the contents. Uses the front room, moves the contents only when that is too
 * small. */
bool buf_prepend(struct buf *buf, struct span s);

/* At least `size` writable bytes at the end, or NULL (and failure) over the ceiling; buf_commit
 * then says how many were written. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, size_t size);
/* Drops the first `size` bytes. */
void buf_consume(struct buf *buf, size_t size);
/* Cuts the contents to their first `size` bytes. */
void buf_truncate(struct buf *buf, size_t size);

/* Valid until the next change. */
static inline struct span buf_span(const struct buf *buf)
{
    if (buf->data == NULL)
        return SPAN_NONE; /* there is nothing in it */
    return span_make(buf->data + buf->start, buf->end - buf->start);
}
static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}
static inline bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

/* JSON string contents (without quotes): escapes quote, backslash and control characters. The
 * input must be UTF-8; it is copied otherwise as it is. */
bool buf_append_json_escaped(struct buf *buf, struct span s);
/* A quoted JSON string; a span with NULL pointer gives null. */
bool buf_append_json_string(struct buf *buf, struct span s);

#endif
