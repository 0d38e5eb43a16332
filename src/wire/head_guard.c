/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard knows lines only, never fields, so it is small enough to be seen to be right. Each byte
 * is looked at once or twice, by memchr outside the request line.
 */
#include "head_guard.h"

#include <string.h>

#define VERSION_LEN (sizeof("HTTP/1.1") - 1)

void head_guard_init(struct head_guard *guard, bool trailers)
{
    *guard = (struct head_guard){.request_line = !trailers};
}

/* "HTTP/1.0" or "HTTP/1.1"; `at` counts from its start. */
static bool version_byte_valid(size_t at, char byte)
{
    static const char version[] = "HTTP/1.";
    const size_t minor = sizeof(version) - 1;
    return at < minor ? byte == version[at] : at == minor && (byte == '0' || byte == '1');
}

/* The bytes of the request line up to its CR: "METHOD target HTTP/1.x", single spaces between. */
static bool take_request_line(struct head_guard *guard, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (guard->spaces == 2) {
            if (!version_byte_valid(guard->word, text.ptr[i]))
                return false;
        } else if (text.ptr[i] == ' ') {
            if (guard->word == 0)
                return false;
            guard->spaces++;
            guard->word = 0;
            continue;
        }
        guard->word++;
    }
    guard->in_line = true;
    return true;
}

/* The bytes of any line up to its CR. A line that begins with white space would, to a parser that
 * knows obs-fold, go on with the value before it, and to another be a field of its own. */
static bool take_text(struct head_guard *guard, struct span text)
{
    if (text.len == 0)
        return true;
    if (memchr(text.ptr, '\n', text.len) != NULL)
        return false;
    if (guard->request_line)
        return take_request_line(guard, text);
    if (!guard->in_line && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        return false;
    guard->in_line = true;
    return true;
}

/* The LF that ends a line. One that is alone in its line ends the head. */
static enum head_guard_result take_line_end(struct head_guard *guard)
{
    bool blank = !guard->in_line;
    if (guard->request_line && (guard->spaces != 2 || guard->word != VERSION_LEN))
        return HEAD_GUARD_BAD;
    guard->request_line = guard->in_line = guard->after_cr = false;
    return blank ? HEAD_GUARD_END : HEAD_GUARD_MORE;
}

enum head_guard_result head_guard_take(struct head_guard *guard, struct span bytes, size_t *taken)
{
    enum head_guard_result result = HEAD_GUARD_MORE;
    size_t at = 0;
    while (at < bytes.len && result == HEAD_GUARD_MORE) {
        /* A CR that nothing follows yet is remembered: the input may have been cut there. */
        if (guard->after_cr) {
            result = bytes.ptr[at++] == '\n' ? take_line_end(guard) : HEAD_GUARD_BAD;
            continue;
        }
        struct span rest = span_from(bytes, at);
        size_t cr = span_find(rest, '\r');
        if (!take_text(guard, span_make(rest.ptr, cr)))
            return HEAD_GUARD_BAD;
        guard->after_cr = cr < rest.len;
        at += cr + guard->after_cr;
    }
    *taken = at;
    return result;
}
