/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds requests to the reader in all cuts. Each is fed whole, byte by byte, and cut in two at every
 * place; what comes out is written down as a text, which must be the same each time:
 *   <METHOD target v1 len=N keep continue|Name=value|…>body bytes.   (the dot is on_end)
 *   !malformed_http                                                  (an error)
 */
#ifndef TESTS_WIRE_REQUEST_TRANSCRIPT_H
#define TESTS_WIRE_REQUEST_TRANSCRIPT_H

#include "base/buf.h"
#include "wire/request_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    struct buf text;
    const char *stop_at; /* on_head answers false for this target */
};

static inline bool record_head(void *argument, const struct request_head *head)
{
    struct record *record = argument;
    buf_printf(&record->text, "<%.*s %.*s v%d len=%lld%s%s", SPAN_ARG(head->method),
               SPAN_ARG(head->target), head->minor_version, (long long)head->content_length,
               head->keep_alive ? " keep" : "", head->expects_continue ? " continue" : "");
    for (size_t i = 0; i < head->headers.count; i++)
        buf_printf(&record->text, "|%.*s=%.*s", SPAN_ARG(head->headers.items[i].name),
                   SPAN_ARG(head->headers.items[i].value));
    buf_append_byte(&record->text, '>');
    return record->stop_at == NULL || !span_equal(head->target, span_from_string(record->stop_at));
}

static inline void record_body(void *argument, struct span bytes)
{
    struct record *record = argument;
    buf_append(&record->text, bytes);
}

static inline void record_end(void *argument)
{
    struct record *record = argument;
    buf_append_byte(&record->text, '.');
}

static const struct request_events record_events = {record_head, record_body, record_end};

/* Feeds `bytes` as one input, message after message. False after an error. */
static inline bool feed_all(struct request_reader *reader, struct record *record, struct span bytes)
{
    while (bytes.len > 0) {
        /* A copy of exactly that size: a read past the end is seen. */
        char *copy = malloc(bytes.len);
        assert_non_null(copy);
        memcpy(copy, bytes.ptr, bytes.len);
        size_t consumed = 0;
        enum err error = request_reader_feed(reader, span_make(copy, bytes.len), &consumed);
        free(copy);
        if (error != ERR_NONE) {
            buf_printf(&record->text, "!%s", err_info(error)->name);
            return false;
        }
        assert_in_range(consumed, 1, bytes.len);
        bytes = span_from(bytes, consumed);
    }
    return true;
}

/* What comes out when `input` is cut after the first `first` bytes and then every `step`. */
static inline char *transcript(struct span input, size_t first, size_t step, const char *stop_at)
{
    struct record record = {.stop_at = stop_at};
    buf_init(&record.text, 1 << 20, 0);
    struct request_reader *reader = request_reader_new(&record_events, &record);
    bool going = true;
    for (size_t at = 0, size = first; at < input.len && going; at += size, size = step) {
        if (size > input.len - at)
            size = input.len - at;
        going = feed_all(reader, &record, span_make(input.ptr + at, size));
    }
    buf_append_byte(&record.text, '\0');
    char *text = strdup(buf_span(&record.text).ptr);
    assert_non_null(text);
    request_reader_free(&reader);
    assert_null(reader);
    buf_fini(&record.text);
    return text;
}

static inline void expect_cut(struct span input, size_t first, size_t step, const char *expected)
{
    char *text = transcript(input, first, step, NULL);
    if (strcmp(text, expected) != 0)
        print_error("cut at %zu, %zu in:\n%.*s\n", first, step, SPAN_ARG(input));
    assert_string_equal(text, expected);
    free(text);
}

static inline void expect(struct span input, const char *expected)
{
    expect_cut(input, input.len, 1, expected);
    expect_cut(input, 1, 1, expected);
    for (size_t first = 1; first < input.len && input.len < 2000; first++)
        expect_cut(input, first, input.len, expected);
}

struct fixture {
    struct span input;
    const char *expected;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void expect_each(const struct fixture *fixtures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(fixtures[i].input, fixtures[i].expected);
}

#define F(input, expected)                   \
    {                                        \
        {input, sizeof(input) - 1}, expected \
    }
#define HOST "Host: a\r\n"

#endif
