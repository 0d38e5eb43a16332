/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value from the environment goes into a scalar that has already been parsed, so it cannot change
 * the structure of the file, nor name a file: `file:` counts only as written.
 */
#include "expand.h"

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "file.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_MAX ((size_t)64 << 10)
#define OPENING    SPAN("${")
#define ESCAPED    SPAN("$${")

/* As in a shell: letters, digits and underscores, no digit first. */
static size_t name_length(struct span s)
{
    size_t len = 0;
    while (len < s.len && (s.ptr[len] == '_' || (s.ptr[len] >= 'A' && s.ptr[len] <= 'Z') ||
                           (s.ptr[len] >= 'a' && s.ptr[len] <= 'z') ||
                           (len > 0 && s.ptr[len] >= '0' && s.ptr[len] <= '9')))
        len++;
    return len;
}

/* The value of "NAME" or "NAME:-default"; false after reporting. */
static bool look_up(struct span body, struct mark at, struct report *report, struct span *value)
{
    size_t len = name_length(body);
    struct span tail = span_from(body, len);
    if (len == 0 || (tail.len > 0 && !span_starts_with(tail, SPAN(":-"))) ||
        span_search(tail, OPENING) < tail.len) {
        report_add(report, at,
                   "malformed reference; write ${NAME} or ${NAME:-default}, and $${ "
                   "for a plain ${");
        return false;
    }
    char *name = memory_string(body.ptr, len);
    const char *found = getenv(name);
    free(name);
    if (found != NULL && (found[0] != '\0' || tail.len == 0)) {
        *value = span_from_string(found);
        return true;
    }
    *value = span_from(tail, 2);
    if (tail.len == 0)
        report_add(report, at,
                   "the environment variable '%.*s' is not set; ${%.*s:-default} gives a default",
                   (int)len, body.ptr, (int)len, body.ptr);
    return tail.len > 0;
}

/* Writes `raw` with its references filled in. False after reporting, or when `out` is full. */
static bool fill_in(const struct node *node, struct buf *out, struct report *report)
{
    struct span rest = node->raw;
    while (rest.len > 0) {
        size_t plain = span_find(rest, '$');
        buf_append(out, span_make(rest.ptr, plain));
        rest = span_from(rest, plain);
        if (span_starts_with(rest, ESCAPED)) {
            buf_append(out, OPENING);
            rest = span_from(rest, ESCAPED.len);
        } else if (span_starts_with(rest, OPENING)) {
            size_t end = span_find(rest, '}');
            struct span value;
            /* Without an end the body takes in the next opening or is no name: malformed. */
            struct span body = end < rest.len ? span_make(rest.ptr + 2, end - 2) : SPAN_NONE;
            if (!look_up(body, node->at, report, &value))
                return false;
            buf_append(out, value);
            rest = span_from(rest, end + 1);
        } else if (rest.len > 0) {
            buf_append_byte(out, '$');
            rest = span_from(rest, 1);
        }
    }
    return !buf_failed(out);
}

void expand_references(struct node *node, struct arena *arena, size_t *room, struct report *report)
{
    node->text = node->raw;
    if (span_search(node->raw, OPENING) == node->raw.len)
        return;
    struct buf out;
    buf_init(&out, *room, 0);
    if (fill_in(node, &out, report)) {
        node->text = config_copy(arena, buf_span(&out));
        *room -= buf_len(&out);
    } else {
        node->bad = true;
        if (buf_failed(&out))
            report_add(report, node->at, "references expand to more than %zu MiB of text",
                       EXPANDED_MAX >> 20);
    }
    buf_fini(&out);
}

bool secret_is_elsewhere(const struct node *node)
{
    return span_starts_with(node->raw, SPAN("file:")) ||
           span_search(node->raw, OPENING) < node->raw.len;
}

const char *secret_path(const struct node *node, const char *directory, struct arena *arena)
{
    if (!span_starts_with(node->raw, SPAN("file:")) || !span_starts_with(node->text, SPAN("file:")))
        return NULL;
    const char *path = node->text.ptr + strlen("file:");
    struct span whole = arena_printf(arena, "%s%s", path[0] == '/' ? "" : directory, path);
    ASSERT(whole.ptr != NULL);
    return whole.ptr;
}

bool secret_read(const char *path, struct arena *arena, struct span *out, const char **why)
{
    struct buf buf;
    buf_init(&buf, SECRET_MAX, 0);
    bool ok = file_read(path, &buf, why);
    if (ok) {
        struct span text = buf_span(&buf);
        while (text.ptr != NULL && text.len > 0 &&
               (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
            text.len--;
        *out = config_copy(arena, text);
    }
    if (buf_len(&buf) > 0)
        secret_wipe(buf.data + buf.start, buf_len(&buf));
    buf_fini(&buf);
    return ok;
}
