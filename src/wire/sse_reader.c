/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes over each event: the first finds its end, a blank line; the second reads its fields.
 *
 *   input    data: a LF LF data: b LF | LF data: c LF LF
 *            '---- event -----'          (in place)
 *                              '- pending -' LF          (copied, because the input ended)
 *
 * Invariants: pending is empty between events and holds no whole event; each byte is looked at a
 * fixed number of times however the stream is cut, because pending is never scanned again: in_line
 * and after_cr carry over what the scan must know.
 */
#include "wire/sse_reader.h"

#include <string.h>

/* Kept for the next event; more, that a large one has taken, is given back. */
#define MEMORY_KEPT ((size_t)64 * 1024)

#define BOM SPAN("\xEF\xBB\xBF")

/* Finds line ends in one stretch of bytes. Both next ends are remembered, so that a stretch of many
 * lines of one kind is searched for the other kind once, not once a line. */
struct line_finder {
    const char *end;
    const char *lf; /* the next LF at or after the place last asked about, or end */
    const char *cr;
};

static const char *find_byte(const char *from, const char *end, char byte)
{
    const char *at = from < end ? memchr(from, byte, (size_t)(end - from)) : NULL;
    return at != NULL ? at : end;
}

static struct line_finder line_finder_make(struct span s)
{
    return (struct line_finder){.end = s.ptr + s.len,
                                .lf = find_byte(s.ptr, s.ptr + s.len, '\n'),
                                .cr = find_byte(s.ptr, s.ptr + s.len, '\r')};
}

/* The end of the line that `from` is in: its LF or CR, or `end`. */
static const char *line_end(struct line_finder *finder, const char *from)
{
    if (finder->lf < from)
        finder->lf = find_byte(from, finder->end, '\n');
    if (finder->cr < from)
        finder->cr = find_byte(from, finder->end, '\r');
    return finder->lf < finder->cr ? finder->lf : finder->cr;
}

/* ---- the fields of one event ---- */

static void add_data(struct sse_reader *reader, struct sse_event *event, struct span value)
{
    if (!event->has_data) {
        event->has_data = true;
        event->data = value;
        return;
    }
    /* The first of several lines is copied late: most events have one, handed out in place. */
    if (buf_len(&reader->joined) == 0)
        buf_append(&reader->joined, event->data);
    buf_append_byte(&reader->joined, '\n');
    buf_append(&reader->joined, value);
    event->data = buf_span(&reader->joined);
}

/* Field names are exact: "Data" is no field. A line without a colon is a field with no value, and
 * one that begins with a colon has the empty name: a comment. retry and unknown fields are for
 * browsers. */
static void read_line(struct sse_reader *reader, struct sse_event *event, struct span line)
{
    struct span name;
    struct span value = span_cut(line, ':', &name);
    if (value.len > 0 && value.ptr[0] == ' ')
        value = span_from(value, 1);
    if (span_equal(name, SPAN("data")))
        add_data(reader, event, value);
    else if (span_equal(name, SPAN("event")))
        event->name = value;
    else if (span_equal(name, SPAN("id")) && span_find(value, '\0') == value.len)
        event->id = value;
}

static void read_lines(struct sse_reader *reader, struct sse_event *event, struct span text)
{
    struct line_finder finder = line_finder_make(text);
    const char *at = text.ptr;
    while (at < finder.end) {
        const char *stop = line_end(&finder, at);
        read_line(reader, event, span_make(at, (size_t)(stop - at)));
        /* A CRLF leaves an empty line behind, which has no field. */
        at = stop < finder.end ? stop + 1 : stop;
    }
}

static bool hand_out(struct sse_reader *reader, struct span raw, bool complete,
                     bool (*on_event)(void *argument, const struct sse_event *event),
                     void *argument)
{
    struct sse_event event = {.raw = raw, .complete = complete};
    buf_reset(&reader->joined, MEMORY_KEPT);
    read_lines(reader, &event, reader->bom ? span_from(raw, BOM.len) : raw);
    reader->bom = false;
    /* Half of an event's data would be worse than none. */
    return !buf_failed(&reader->joined) && on_event(argument, &event);
}

/* ---- where events end ---- */

/* How many bytes of `bytes` belong to the event begun in pending, its blank line included; 0 when
 * it does not end in them. */
static size_t find_event_end(struct sse_reader *reader, struct line_finder *finder,
                             struct span bytes)
{
    const char *at = bytes.ptr;
    at += reader->after_cr && *at == '\n';
    reader->after_cr = false;
    while (at < finder->end) {
        const char *stop = line_end(finder, at);
        bool blank = stop == at && !reader->in_line;
        reader->in_line = stop == finder->end && (reader->in_line || stop > at);
        if (stop == finder->end)
            return 0;
        at = stop + 1;
        if (*stop == '\r') {
            reader->after_cr = at == finder->end;
            at += at < finder->end && *at == '\n';
        }
        if (blank)
            return (size_t)(at - bytes.ptr);
    }
    return 0;
}

/* Moves the bytes of a BOM at the start of the stream to pending, where it may come in pieces.
 * Returns what is left of `bytes`. */
static struct span take_bom(struct sse_reader *reader, struct span bytes)
{
    while (!reader->started && bytes.len > 0) {
        size_t have = buf_len(&reader->pending);
        if (bytes.ptr[0] != BOM.ptr[have]) {
            reader->started = true;
            reader->in_line = have > 0;
        } else if (!buf_append_byte(&reader->pending, bytes.ptr[0])) {
            break;
        } else {
            bytes = span_from(bytes, 1);
            reader->started = reader->bom = have + 1 == BOM.len;
        }
    }
    return bytes;
}

void sse_reader_init(struct sse_reader *reader, size_t ceiling)
{
    *reader = (struct sse_reader){0};
    buf_init(&reader->pending, ceiling, 0);
    buf_init(&reader->joined, ceiling, 0);
}

void sse_reader_fini(struct sse_reader *reader)
{
    buf_fini(&reader->pending);
    buf_fini(&reader->joined);
}

/* Whether an LF at the start of `bytes` belongs to the CR that ended the event before: too late to
 * be part of that one, it becomes an event of its own. */
static bool is_late_lf(const struct sse_reader *reader, struct span bytes)
{
    return reader->after_cr && buf_len(&reader->pending) == 0 && bytes.ptr[0] == '\n';
}

/* The whole event whose last bytes are `part`; the empty span when it is over the ceiling. */
static struct span complete_event(struct sse_reader *reader, struct span part)
{
    if (buf_len(&reader->pending) == 0)
        return part.len <= reader->pending.ceiling ? part : SPAN_NONE;
    return buf_append(&reader->pending, part) ? buf_span(&reader->pending) : SPAN_NONE;
}

bool sse_reader_feed(struct sse_reader *reader, struct span bytes,
                     bool (*on_event)(void *argument, const struct sse_event *event),
                     void *argument)
{
    bytes = take_bom(reader, bytes);
    if (bytes.len == 0)
        return !buf_failed(&reader->pending);
    struct line_finder finder = line_finder_make(bytes);
    bool more = true;
    while (bytes.len > 0 && more) {
        size_t size = 1;
        if (is_late_lf(reader, bytes))
            reader->after_cr = false;
        else
            size = find_event_end(reader, &finder, bytes);
        if (size == 0)
            return buf_append(&reader->pending, bytes);
        struct span raw = complete_event(reader, span_make(bytes.ptr, size));
        if (raw.len == 0)
            return false;
        more = hand_out(reader, raw, true, on_event, argument);
        buf_reset(&reader->pending, MEMORY_KEPT);
        bytes = span_from(bytes, size);
    }
    return !buf_failed(&reader->joined);
}

/* WHATWG drops an unfinished event; we hand it out, marked, because every byte is to be passed
 * on. */
void sse_reader_end(struct sse_reader *reader,
                    bool (*on_event)(void *argument, const struct sse_event *event), void *argument)
{
    if (buf_len(&reader->pending) > 0)
        hand_out(reader, buf_span(&reader->pending), false, on_event, argument);
    buf_reset(&reader->pending, 0);
}
