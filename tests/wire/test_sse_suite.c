/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of server-sent events against two public suites: the web platform tests' format cases,
 * and those of the eventsource-parser package. Each stream is fed whole, byte by byte, and cut in
 * two at every place. The files are read by json_walk, since their strings hold NUL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "suite_file.h"
#include "wire/json.h"
#include "wire/sse_reader.h"

#include <string.h>

int test_sse_suite(void);

/* A member of an object of the suite, decoded when it is a string; NULL pointer when absent. */
static struct span member(struct span object, const char *key, struct arena *arena)
{
    size_t at = 0;
    struct span name;
    struct span value;
    enum json_type type;
    while (json_walk(object, &at, &name, &value, &type))
        if (span_equal(name, span_from_string(key)))
            return type == JSON_STRING ? json_decode_string(value, arena) : value;
    return SPAN_NONE;
}

struct record {
    struct buf events; /* name, NUL, data, NUL of each event */
    struct buf raw;
};

static void add_event(struct buf *events, struct span name, struct span data)
{
    buf_append(events, name);
    buf_append_byte(events, '\0');
    buf_append(events, data);
    buf_append_byte(events, '\0');
}

static bool record_event(void *argument, const struct sse_event *event)
{
    struct record *record = argument;
    if (event->has_data && event->complete)
        add_event(&record->events, event->name, event->data);
    buf_append(&record->raw, event->raw);
    return true;
}

static void expect_cut(struct span stream, size_t first, size_t step, struct span expected)
{
    struct record record;
    struct sse_reader reader;
    buf_init(&record.events, 1 << 20, 0);
    buf_init(&record.raw, 1 << 20, 0);
    sse_reader_init(&reader, 1 << 20);
    for (size_t at = 0, size = first; at < stream.len; at += size, size = step) {
        if (size > stream.len - at)
            size = stream.len - at;
        assert_true(
            sse_reader_feed(&reader, span_make(stream.ptr + at, size), record_event, &record));
    }
    sse_reader_end(&reader, record_event, &record);
    assert_true(span_equal(buf_span(&record.events), expected));
    assert_true(span_equal(buf_span(&record.raw), stream));
    sse_reader_fini(&reader);
    buf_fini(&record.events);
    buf_fini(&record.raw);
}

static void expect(struct span stream, struct span expected)
{
    expect_cut(stream, stream.len, 1, expected);
    expect_cut(stream, 1, 1, expected);
    for (size_t first = 1; first < stream.len; first++)
        expect_cut(stream, first, stream.len, expected);
}

/* Runs `one` on each case of a suite. */
static void run_suite(const char *file, size_t count,
                      void (*one)(struct span test, struct arena *arena))
{
    struct span text = suite_load(file);
    struct arena arena;
    arena_init(&arena, 1 << 22);
    struct span cases = member(text, "cases", &arena);
    struct span key;
    struct span test;
    enum json_type type;
    size_t ran = 0;
    for (size_t at = 0; json_walk(cases, &at, &key, &test, &type); ran++)
        one(test, &arena);
    print_message("%s: %zu streams in every cut, 0 wrong\n", file, ran);
    assert_int_equal(ran, count);
    arena_fini(&arena);
    suite_unload(text);
}

/* "{x*2048}" in a template stands for that many letters. */
static void append_template(struct buf *out, struct span text)
{
    struct span mark = SPAN("{x*2048}");
    size_t at = span_search(text, mark);
    while (at < text.len) {
        buf_append(out, span_make(text.ptr, at));
        for (size_t i = 0; i < 2048; i++)
            buf_append_byte(out, 'x');
        text = span_from(text, at + mark.len);
        at = span_search(text, mark);
    }
    buf_append(out, text);
}

static void run_wpt_case(struct span test, struct arena *arena)
{
    struct buf stream;
    struct buf expected;
    struct span key;
    struct span value;
    enum json_type type;
    buf_init(&stream, 1 << 20, 0);
    buf_init(&expected, 1 << 20, 0);
    buf_append(&stream, member(test, "stream", arena));
    append_template(&stream, member(test, "stream_template", arena));
    struct span data = member(test, "data", arena);
    for (size_t at = 0; json_walk(data, &at, &key, &value, &type);)
        add_event(&expected, SPAN_NONE, json_decode_string(value, arena));
    struct span events = member(test, "events", arena);
    for (size_t at = 0; json_walk(events, &at, &key, &value, &type);) {
        struct span parts[2];
        size_t inside = 0;
        assert_true(json_walk(value, &inside, &key, &parts[0], &type));
        assert_true(json_walk(value, &inside, &key, &parts[1], &type));
        struct span name = json_decode_string(parts[0], arena);
        /* "message" is what a browser calls an event without a name. */
        add_event(&expected, span_equal(name, SPAN("message")) ? SPAN_NONE : name,
                  json_decode_string(parts[1], arena));
    }
    expect(buf_span(&stream), buf_span(&expected));
    buf_fini(&stream);
    buf_fini(&expected);
}

static void run_parser_case(struct span test, struct arena *arena)
{
    struct buf stream;
    struct buf expected;
    struct span key;
    struct span value;
    enum json_type type;
    /* Those are about byte order marks in decoded strings, not in bytes. */
    if (span_search(test, SPAN("BomFixture")) < test.len)
        return;
    buf_init(&stream, 1 << 20, 0);
    buf_init(&expected, 1 << 20, 0);
    struct span chunks = member(test, "chunks", arena);
    for (size_t at = 0; json_walk(chunks, &at, &key, &value, &type);)
        buf_append(&stream, json_decode_string(value, arena));
    struct span events = member(member(test, "expect", arena), "events", arena);
    for (size_t at = 0; json_walk(events, &at, &key, &value, &type);) {
        struct span name = member(value, "event", arena);
        add_event(&expected, span_equal(name, SPAN("null")) ? SPAN_NONE : name,
                  member(value, "data", arena));
    }
    expect(buf_span(&stream), buf_span(&expected));
    buf_fini(&stream);
    buf_fini(&expected);
}

static void web_platform_tests_agree(void **state)
{
    (void)state;
    run_suite("sse_cases_wpt.json", 13, run_wpt_case);
}

static void another_parsers_tests_agree(void **state)
{
    (void)state;
    run_suite("sse_cases_eventsource_parser.json", 18, run_parser_case);
}

int test_sse_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(web_platform_tests_agree),
        cmocka_unit_test(another_parsers_tests_agree),
    };
    return cmocka_run_group_tests_name("wire/sse_suite", tests, NULL, NULL);
}
