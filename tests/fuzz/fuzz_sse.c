/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream fed whole, byte by byte, and cut where the input says: the same events, whose raw bytes
 * are the stream. One difference is allowed, and put right here: an LF that comes after the event
 * that its CR ended is an event of its own.
 */
#include "fuzz.h"

#include "wire/sse_reader.h"

#define SMALL_CEILING ((size_t)24)

struct record {
    struct buf events; /* all that the events say */
    struct buf raw;
    size_t raw_len; /* of the last event, which an LF may still follow */
    size_t longest; /* raw */
};

static void put_size(struct record *record, size_t size)
{
    buf_append_u64(&record->events, size);
    buf_append_byte(&record->events, ' ');
}

static void put_span(struct record *record, struct span s)
{
    put_size(record, s.len);
    buf_append(&record->events, s);
}

static bool is_late_lf(const struct record *record, const struct sse_event *event)
{
    struct span before = buf_span(&record->raw);
    return span_equal(event->raw, SPAN("\n")) && span_ends_with(before, SPAN("\r"));
}

/* Bytes up to the end of the first blank line, in the simplest way; 0 when there is none. A last CR
 * may have an LF to come. */
static size_t blank_line_end(struct span s)
{
    bool in_line = false;
    for (size_t i = 0; i < s.len; i++) {
        bool ends = s.ptr[i] == '\n' || s.ptr[i] == '\r';
        if (s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n')
            i++;
        if (ends && !in_line)
            return i + 1;
        in_line = !ends;
    }
    return 0;
}

/* An event ends with its first blank line, or with the stream. Returns it without a BOM. */
static struct span check_end(const struct record *record, const struct sse_event *event)
{
    bool first = buf_len(&record->raw) == 0;
    bool bom = first && span_starts_with(event->raw, SPAN("\xEF\xBB\xBF"));
    struct span raw = span_from(event->raw, bom ? 3 : 0);
    FUZZ_CHECK(blank_line_end(raw) == (event->complete ? raw.len : 0));
    return raw;
}

/* The value of a field as WHATWG has it: what is after the colon and one space. */
static bool read_field(struct span line, struct span name, struct span *value)
{
    if (!span_starts_with(line, name) || (line.len > name.len && line.ptr[name.len] != ':'))
        return false;
    *value = span_from(line, name.len + 1);
    if (span_starts_with(*value, SPAN(" ")))
        *value = span_from(*value, 1);
    return true;
}

/* The fields again, in the simplest way. */
static void check_fields(const struct sse_event *event, struct span raw)
{
    struct buf data;
    struct span line;
    struct span value;
    struct span name = SPAN_NONE;
    struct span id = SPAN_NONE;
    bool has_data = false;
    buf_init(&data, FUZZ_ROOM, 0);
    while (raw.len > 0) {
        size_t lf = span_find(raw, '\n');
        size_t cr = span_find(raw, '\r');
        raw = span_cut(raw, cr < lf ? '\r' : '\n', &line);
        if (read_field(line, SPAN("data"), &value)) {
            buf_append(&data, has_data ? SPAN("\n") : SPAN_NONE);
            buf_append(&data, value);
            has_data = true;
        } else if (!read_field(line, SPAN("event"), &name) &&
                   read_field(line, SPAN("id"), &value) && span_find(value, '\0') == value.len) {
            id = value;
        }
    }
    FUZZ_CHECK(event->has_data == has_data && span_equal(event->data, buf_span(&data)));
    FUZZ_CHECK(span_equal(event->name, name) && span_equal(event->id, id));
    buf_fini(&data);
}

static bool on_event(void *argument, const struct sse_event *event)
{
    struct record *record = argument;
    FUZZ_CHECK(event->raw.len > 0);
    check_fields(event, check_end(record, event));
    if (event->raw.len > record->longest)
        record->longest = event->raw.len;
    if (is_late_lf(record, event)) {
        FUZZ_CHECK(!event->has_data && event->complete);
        record->raw_len++;
    } else {
        put_size(record, record->raw_len);
        record->raw_len = event->raw.len;
        buf_append(&record->events, event->has_data ? SPAN("D") : SPAN("-"));
        buf_append(&record->events, event->complete ? SPAN("C") : SPAN("-"));
        put_span(record, event->name);
        put_span(record, event->data);
        put_span(record, event->id);
    }
    buf_append(&record->raw, event->raw);
    return true;
}

/* Whether the whole stream stayed below the ceiling. */
static bool run(struct record *record, struct span stream, size_t ceiling, enum fuzz_cut cut)
{
    struct sse_reader reader;
    struct fuzz_chance chance = fuzz_chance_of(stream);
    bool going = true;
    *record = (struct record){.raw_len = 0};
    buf_init(&record->events, FUZZ_ROOM, 0);
    buf_init(&record->raw, FUZZ_ROOM, 0);
    sse_reader_init(&reader, ceiling);
    while (stream.len > 0 && going) {
        struct span piece = fuzz_piece(&stream, cut, &chance);
        going = sse_reader_feed(&reader, piece, on_event, record);
        free((char *)(uintptr_t)piece.ptr);
    }
    if (going)
        sse_reader_end(&reader, on_event, record);
    put_size(record, record->raw_len);
    sse_reader_fini(&reader);
    return going;
}

static void record_fini(struct record *record)
{
    buf_fini(&record->events);
    buf_fini(&record->raw);
}

/* No event above it is handed out, and what is handed out is the stream's beginning. */
static void check_ceiling(struct span stream, enum fuzz_cut cut)
{
    struct record record;
    bool fits = run(&record, stream, SMALL_CEILING, cut);
    FUZZ_CHECK(record.longest <= SMALL_CEILING);
    FUZZ_CHECK(span_starts_with(stream, buf_span(&record.raw)));
    FUZZ_CHECK(!fits || buf_len(&record.raw) == stream.len);
    record_fini(&record);
}

void fuzz_sse(struct span input)
{
    struct record whole;
    FUZZ_CHECK(run(&whole, input, FUZZ_ROOM, FUZZ_WHOLE));
    FUZZ_CHECK(span_equal(buf_span(&whole.raw), input));
    for (enum fuzz_cut cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {
        struct record parts;
        FUZZ_CHECK(run(&parts, input, FUZZ_ROOM, cut));
        FUZZ_CHECK(span_equal(buf_span(&parts.raw), input));
        FUZZ_CHECK(span_equal(buf_span(&parts.events), buf_span(&whole.events)));
        record_fini(&parts);
    }
    record_fini(&whole);
    for (enum fuzz_cut cut = FUZZ_WHOLE; cut < FUZZ_CUTS; cut++)
        check_ceiling(input, cut);
}
