/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each stream is fed whole, byte by byte, and cut in two at every place. The events are written
 * down as a text, which must be the same each time, and the raw bytes joined must be the stream:
 *   name(data)id   an event with data      -   one without
 *   ~name(data)id  what was left at the end of the stream
 * Events without data are left out of the comparison between cuts only where a CR and its LF were
 * cut apart after an event: then the LF is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/sse_reader.h"

#include <stdlib.h>
#include <string.h>

int test_sse_reader(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct record {
    struct buf text;
    struct buf raw;
    struct span input; /* the one being fed */
    size_t inside;     /* events handed out in place */
    size_t stop_after; /* events until on_event answers false; 0: never */
    size_t count;
    bool late_lf_hidden;
};

static bool record_event(void *argument, const struct sse_event *event)
{
    struct record *record = argument;
    bool late_lf =
        span_equal(event->raw, SPAN("\n")) && span_ends_with(buf_span(&record->raw), SPAN("\r"));
    buf_append(&record->raw, event->raw);
    record->inside += event->raw.ptr >= record->input.ptr &&
                      event->raw.ptr < record->input.ptr + record->input.len;
    record->count++;
    if (event->has_data || !event->complete) {
        buf_append(&record->text, event->complete ? SPAN_NONE : SPAN("~"));
        buf_append(&record->text, event->name);
        buf_append_byte(&record->text, '(');
        buf_append(&record->text, event->data);
        buf_append_byte(&record->text, ')');
        buf_append(&record->text, event->id);
    } else if (!late_lf || !record->late_lf_hidden) {
        buf_append_byte(&record->text, '-');
    }
    return record->count != record->stop_after;
}

static void record_init(struct record *record)
{
    *record = (struct record){0};
    buf_init(&record->text, 1 << 20, 0);
    buf_init(&record->raw, 1 << 20, 0);
}

static void record_fini(struct record *record)
{
    buf_fini(&record->text);
    buf_fini(&record->raw);
}

/* Feeds a copy of exactly that size: a read past the end is seen. */
static bool feed(struct sse_reader *reader, struct record *record, struct span bytes)
{
    char *copy = malloc(bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    record->input = span_make(copy, bytes.len);
    bool ok = sse_reader_feed(reader, record->input, record_event, record);
    record->input = SPAN_NONE;
    free(copy);
    return ok;
}

/* Cut after `first` bytes and then every `step`. */
static void expect_cut(struct span stream, size_t first, size_t step, struct span expected)
{
    struct sse_reader reader;
    struct record record;
    record_init(&record);
    record.late_lf_hidden = first < stream.len;
    sse_reader_init(&reader, 100000);
    for (size_t at = 0, size = first; at < stream.len; at += size, size = step) {
        if (size > stream.len - at)
            size = stream.len - at;
        assert_true(feed(&reader, &record, span_make(stream.ptr + at, size)));
    }
    sse_reader_end(&reader, record_event, &record);
    if (!span_equal(buf_span(&record.text), expected))
        print_error("cut at %zu, %zu: %.*s\n", first, step, SPAN_ARG(buf_span(&record.text)));
    assert_true(span_equal(buf_span(&record.text), expected));
    assert_true(span_equal(buf_span(&record.raw), stream));
    sse_reader_fini(&reader);
    record_fini(&record);
}

static void expect(struct span stream, struct span expected)
{
    expect_cut(stream, stream.len, 1, expected);
    expect_cut(stream, 1, 1, expected);
    for (size_t first = 1; first < stream.len; first++)
        expect_cut(stream, first, stream.len, expected);
}

struct fixture {
    struct span stream;
    struct span expected;
};

#define F(stream, expected)                \
    {                                      \
        {stream, sizeof(stream) - 1},      \
        {                                  \
            expected, sizeof(expected) - 1 \
        }                                  \
    }

static void streams_give_their_events(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("data: {\"a\":1}\n\ndata: [DONE]\n\n", "({\"a\":1})([DONE])"),
        F("data: a\r\n\r\ndata: b\r\n\r\n", "(a)(b)"),
        F("data: a\r\rdata: b\r\r", "(a)(b)"),
        F("data: a\n\rdata: b\r\ndata: c\r\n\ndata: d\r\n\rdata: e\n\n", "(a)(b\nc)(d)(e)"),
        F("event: x\ndata: a\nid: 7\n\ndata: b\n\n", "x(a)7(b)"),
        F("data:a\ndata: b\ndata:  c\ndata\ndata:\n\n", "(a\nb\n c\n\n)"),
        F("data:\n\ndata\n\ndata\ndata\n\n", "()()(\n)"),
        F(": ping\n\ndata: a\n\n:\n\n", "-(a)-"),
        F(": ping\ndata: a\n: pong\n\n", "(a)"),
        F("\n\ndata: a\n\n\n\r\n", "--(a)--"),
        F("event: a\nevent: b\ndata: x\n\nevent: c\nevent\ndata: y\n\n", "b(x)(y)"),
        F("event: ping\n\nretry: 10\n\nid: 1\n\n", "---"),
        F("Data: a\n data: b\ndata : c\nda-ta: d\ndatax\n\n", "-"),
        F("id: a\0b\ndata: \0\n\n", "(\0)"),
        F("data: a:b: c\nid:: d\n\n", "(a:b: c): d"),
    };
    for (size_t i = 0; i < COUNT(fixtures); i++)
        expect(fixtures[i].stream, fixtures[i].expected);
}

static void only_a_first_bom_is_skipped(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("\xef\xbb\xbf"
          "data: a\n\n\xef\xbb\xbf"
          "data: b\n\ndata: c\n\n",
          "(a)-(c)"),
        F("\xef\xbb\xbf\xef\xbb\xbf"
          "data: a\n\ndata: b\n\n",
          "-(b)"),
        F("\xef\xbb\xbf\n\xef\xbb\xbf\n\n", "--"),
        F("\xef\xbb\xbf\r\n\r\n", "--"),
        F("\xef\xbb"
          "data: a\n\ndata: b\n\n",
          "-(b)"),
        F("\xef"
          "data: a\n\ndata: b\n\n",
          "-(b)"),
        F("\xef\xbb\n\ndata: b\n\n", "-(b)"),
        F("\xef\xbb\xbf", "~()"),
        F("\xef\xbb", "~()"),
        F("\n\xef\xbb\xbf"
          "data: a\n\n",
          "--"),
    };
    for (size_t i = 0; i < COUNT(fixtures); i++)
        expect(fixtures[i].stream, fixtures[i].expected);
}

static void a_broken_end_is_told(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("data: a\n\ndata: b", "(a)~(b)"),
        F("data: a\n\ndata: b\n", "(a)~(b)"),
        F("data: a\n\ndata: b\r", "(a)~(b)"),
        F("data: a\r\n\r\nevent: e\r\n", "(a)~e()"),
        F("d", "~()"),
        F("data: a\n\n", "(a)"),
    };
    for (size_t i = 0; i < COUNT(fixtures); i++)
        expect(fixtures[i].stream, fixtures[i].expected);
    expect_cut(SPAN_NONE, 0, 1, SPAN_NONE);
}

static void an_event_that_ends_with_cr_does_not_wait(void **state)
{
    (void)state;
    struct sse_reader reader;
    struct record record;
    record_init(&record);
    sse_reader_init(&reader, 1000);
    assert_true(feed(&reader, &record, SPAN("data: a\r\n\r")));
    assert_true(span_equal(buf_span(&record.text), SPAN("(a)")));
    assert_true(feed(&reader, &record, SPAN("\n")));
    assert_true(span_equal(buf_span(&record.text), SPAN("(a)-")));
    /* That LF was the CR's; the next one is a blank line. */
    assert_true(feed(&reader, &record, SPAN("\n")));
    assert_true(span_equal(buf_span(&record.text), SPAN("(a)--")));
    /* Inside an event it ends no line of its own, either. */
    assert_true(feed(&reader, &record, SPAN("data: b\r")));
    assert_true(feed(&reader, &record, SPAN("\n")));
    assert_true(span_equal(buf_span(&record.text), SPAN("(a)--")));
    assert_true(feed(&reader, &record, SPAN("\n")));
    assert_true(span_equal(buf_span(&record.text), SPAN("(a)--(b)")));
    assert_true(span_equal(buf_span(&record.raw), SPAN("data: a\r\n\r\n\ndata: b\r\n\n")));
    sse_reader_fini(&reader);
    record_fini(&record);
}

static void whole_events_are_not_copied(void **state)
{
    (void)state;
    struct sse_reader reader;
    struct record record;
    record_init(&record);
    sse_reader_init(&reader, 1000);
    assert_true(feed(&reader, &record, SPAN("data: a\n\n: x\n\ndata: b\ndata: c\n\nda")));
    assert_int_equal(record.count, 3);
    assert_int_equal(record.inside, 3);
    assert_true(feed(&reader, &record, SPAN("ta: d\n\ndata: e\n\n")));
    assert_int_equal(record.count, 5);
    assert_int_equal(record.inside, 4);
    assert_true(feed(&reader, &record, SPAN("data: f\n\n")));
    assert_int_equal(record.inside, 5);
    assert_int_equal(buf_len(&reader.pending), 0);
    sse_reader_fini(&reader);
    record_fini(&record);
}

static void the_receiver_can_stop(void **state)
{
    (void)state;
    struct span stream = SPAN("data: a\n\ndata: b\n\ndata: c\n\nda");
    for (size_t first = 1; first <= stream.len; first++) {
        struct sse_reader reader;
        struct record record;
        record_init(&record);
        record.stop_after = 2;
        sse_reader_init(&reader, 1000);
        assert_true(feed(&reader, &record, span_make(stream.ptr, first)));
        size_t before = record.count;
        if (before == 2) {
            /* Nothing of the rest was kept. */
            sse_reader_end(&reader, record_event, &record);
            assert_int_equal(record.count, 2);
        }
        sse_reader_fini(&reader);
        record_fini(&record);
    }
}

/* Whether an event of `size` bytes passes under `ceiling`, fed in steps. */
static bool passes(size_t size, size_t ceiling, size_t step)
{
    char event[300];
    struct sse_reader reader;
    struct record record;
    record_init(&record);
    sse_reader_init(&reader, ceiling);
    memset(event, 'x', sizeof(event));
    memcpy(event, "data:", 5);
    memcpy(event + size - 2, "\n\n", 2);
    bool ok = feed(&reader, &record, SPAN("data: small\n\n"));
    for (size_t at = 0; at < size && ok; at += step)
        ok = feed(&reader, &record, span_make(event + at, size - at < step ? size - at : step));
    assert_int_equal(record.count, ok ? 2 : 1);
    sse_reader_fini(&reader);
    record_fini(&record);
    return ok;
}

static void events_have_a_ceiling(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 7, 99, 100, 101, 300};
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_true(passes(99, 100, steps[i]));
        assert_true(passes(100, 100, steps[i]));
        assert_false(passes(101, 100, steps[i]));
        assert_false(passes(250, 100, steps[i]));
    }
    /* Even a BOM does not get past it. */
    struct sse_reader reader;
    struct record record;
    record_init(&record);
    sse_reader_init(&reader, 2);
    assert_false(feed(&reader, &record, SPAN("\xef\xbb\xbf")));
    sse_reader_fini(&reader);
    record_fini(&record);
}

/* Streams made to cost: they must take time in proportion to their length. At 1 MiB a quadratic
 * scan would take minutes. */
static void hostile_streams_cost_no_more(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static const char *const patterns[] = {"\r", "\n", "\n\r", "data\n", "data\r", ":\r", "x"};
    char *stream = malloc(SIZE);
    assert_non_null(stream);
    for (size_t i = 0; i < COUNT(patterns); i++) {
        size_t len = strlen(patterns[i]);
        for (size_t at = 0; at < SIZE; at++)
            stream[at] = patterns[i][at % len];
        for (size_t step = 1; step <= SIZE; step *= 1024) {
            struct sse_reader reader;
            struct record record = {0}; /* buffers without room: nothing is kept */
            sse_reader_init(&reader, SIZE);
            for (size_t at = 0; at < SIZE; at += step)
                assert_true(
                    sse_reader_feed(&reader, span_make(stream + at, step), record_event, &record));
            sse_reader_end(&reader, record_event, &record);
            sse_reader_fini(&reader);
        }
    }
    free(stream);
}

int test_sse_reader(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_give_their_events),
        cmocka_unit_test(only_a_first_bom_is_skipped),
        cmocka_unit_test(a_broken_end_is_told),
        cmocka_unit_test(an_event_that_ends_with_cr_does_not_wait),
        cmocka_unit_test(whole_events_are_not_copied),
        cmocka_unit_test(the_receiver_can_stop),
        cmocka_unit_test(events_have_a_ceiling),
        cmocka_unit_test(hostile_streams_cost_no_more),
    };
    return cmocka_run_group_tests_name("wire/sse_reader", tests, NULL, NULL);
}
