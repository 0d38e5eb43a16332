/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing buffer. Memory doubles up to front + ceiling + 1; the one byte more is for the NUL
 * that vsnprintf writes after the contents.
 *
 * Invariants: start <= end <= capacity and end - start <= ceiling; data NULL means all three are 0.
 * The bytes are often as many as a peer sends, so a refused malloc is a failure like the ceiling.
 */
#include "base/buf.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST ((size_t)256)

static size_t add_saturated(size_t a, size_t b)
{
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Moves the contents down to the front room; what buf_consume() gave up becomes free at the end. */
static void compact(struct buf *buf)
{
    size_t len = buf_len(buf);
    if (buf->start <= buf->front)
        return;
    memmove(buf->data + buf->front, buf->data + buf->start, len);
    buf->start = buf->front;
    buf->end = buf->front + len;
}

/* At least doubles, so that bytes are copied a constant number of times on average. */
static bool grow(struct buf *buf, size_t needed)
{
    size_t most = add_saturated(add_saturated(buf->front, buf->ceiling), 1);
    size_t capacity = max_size(add_saturated(buf->capacity, buf->capacity), CAPACITY_FIRST);
    capacity = max_size(min_size(capacity, most), needed);
    char *data = needed <= PTRDIFF_MAX ? realloc(buf->data, capacity) : NULL;
    if (data == NULL)
        return false;
    if (buf->data == NULL)
        buf->start = buf->end = buf->front;
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

/* Room for `size` bytes after the contents, whatever the ceiling says. */
static bool make_room(struct buf *buf, size_t size)
{
    if (buf->data == NULL)
        return grow(buf, add_saturated(buf->front, size));
    size_t room = buf->capacity - buf->end;
    if (size <= room)
        return true;
    /* Moving alone must cost no more than was consumed, else many appends and small consumes would
     * be quadratic; before growing it comes free. */
    size_t gone = buf->start > buf->front ? buf->start - buf->front : 0;
    bool enough = gone >= buf_len(buf) && size <= room + gone;
    compact(buf);
    return enough || grow(buf, add_saturated(buf->end, size));
}

/* May `size` more bytes be added, and is there room? Else failure. */
static bool admit(struct buf *buf, size_t size)
{
    if (!buf->failed && (size > buf->ceiling - buf_len(buf) || !make_room(buf, size)))
        buf->failed = true;
    return !buf->failed;
}

void buf_init(struct buf *buf, size_t ceiling, size_t front)
{
    *buf = (struct buf){.ceiling = ceiling, .front = front};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->ceiling, buf->front);
}

void buf_reset(struct buf *buf, size_t keep)
{
    if (buf->capacity > keep) {
        buf_fini(buf);
        return;
    }
    buf->start = buf->end = buf->data != NULL ? buf->front : 0;
    buf->failed = false;
}

bool buf_append(struct buf *buf, struct span s)
{
    if (!admit(buf, s.len))
        return false;
    if (s.len > 0)
        memcpy(buf->data + buf->end, s.ptr, s.len);
    buf->end += s.len;
    return true;
}

bool buf_append_byte(struct buf *buf, char byte)
{
    if (!admit(buf, 1))
        return false;
    buf->data[buf->end++] = byte;
    return true;
}

bool buf_append_u64(struct buf *buf, uint64_t value)
{
    char room[SPAN_U64_SIZE];
    return buf_append(buf, span_from_u64(value, room));
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    if (buf->failed)
        return false;
    /* The first try goes into the room there is, and tells how much is needed. */
    size_t room = buf->capacity - buf->end;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(room > 0 ? buf->data + buf->end : NULL, room, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len > buf->ceiling - buf_len(buf) || !make_room(buf, (size_t)len + 1)) {
        buf->failed = true;
        return false;
    }
    if ((size_t)len >= room) {
        va_start(arguments, format);
        vsnprintf(buf->data + buf->end, (size_t)len + 1, format, arguments);
        va_end(arguments);
    }
    buf->end += (size_t)len;
    return true;
}

bool buf_prepend(struct buf *buf, struct span s)
{
    size_t len = buf_len(buf);
    if (len == 0) /* the same, and it leaves the front room whole */
        return buf_append(buf, s);
    if (buf->failed || s.len > buf->ceiling - len) {
        buf->failed = true;
        return false;
    }
    if (s.len == 0)
        return true;
    if (s.len <= buf->start) {
        buf->start -= s.len;
    } else {
        if (!admit(buf, s.len))
            return false;
        /* The contents move up, and what is left of the front room stays. */
        memmove(buf->data + buf->start + s.len, buf->data + buf->start, len);
        buf->end += s.len;
    }
    memcpy(buf->data + buf->start, s.ptr, s.len);
    return true;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    return admit(buf, size) ? buf->data + buf->end : NULL;
}

void buf_commit(struct buf *buf, size_t size)
{
    ASSERT(size <= buf->capacity - buf->end && size <= buf->ceiling - buf_len(buf));
    buf->end += size;
}

void buf_consume(struct buf *buf, size_t size)
{
    ASSERT(size <= buf_len(buf));
    buf->start += size;
    /* Nothing to keep: back to where a fresh buffer begins. */
    if (buf->start == buf->end && buf->data != NULL)
        buf->start = buf->end = buf->front;
}

void buf_truncate(struct buf *buf, size_t size)
{
    ASSERT(size <= buf_len(buf));
    buf->end = buf->start + size;
}

/* `byte` is one of those that JSON wants escaped. */
static bool append_escape(struct buf *buf, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    /* The letter of the two-character escape, 0 where JSON has none. */
    static const char letter[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (letter[byte] != 0)
        return buf_append(buf, span_make((char[]){'\\', letter[byte]}, 2));
    return buf_append(buf,
                      span_make((char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6));
}

bool buf_append_json_escaped(struct buf *buf, struct span s)
{
    size_t run = 0; /* where the bytes not yet copied begin */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buf_append(buf, span_make(s.ptr + run, i - run));
        append_escape(buf, byte);
        run = i + 1;
    }
    return buf_append(buf, span_from(s, run));
}

bool buf_append_json_string(struct buf *buf, struct span s)
{
    if (s.ptr == NULL)
        return buf_append(buf, SPAN("null"));
    /* Failure is sticky, so the last append speaks for all three. */
    buf_append_byte(buf, '"');
    buf_append_json_escaped(buf, s);
    return buf_append_byte(buf, '"');
}
