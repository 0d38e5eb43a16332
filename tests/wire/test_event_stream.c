/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon's event stream, in frames that are built here with a checksum of our own: every header
 * type, every way to be wrong, cut everywhere, and flipped in every bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/event_stream.h"

#include <stdio.h>
#include <stdlib.h>

#define CEILING ((size_t)4096)

/* ---- making frames ---- */

/* CRC-32 (IEEE 802.3) bit by bit: shares nothing with the library. */
static uint32_t checksum(struct span bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static void put_u32(struct buf *buf, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_append_byte(buf, (char)(value >> shift & 0xFF));
}

static void put_header(struct buf *buf, const char *name, int type, struct span value)
{
    struct span text = span_from_string(name);
    buf_append_byte(buf, (char)text.len);
    buf_append(buf, text);
    buf_append_byte(buf, (char)type);
    if (type == 6 || type == 7) {
        buf_append_byte(buf, (char)(value.len >> 8));
        buf_append_byte(buf, (char)(value.len & 0xFF));
    }
    buf_append(buf, value);
}

static void put_string(struct buf *buf, const char *name, const char *value)
{
    put_header(buf, name, 7, span_from_string(value));
}

/* With lengths as given, and checksums that fit. */
static void put_frame_of(struct buf *out, uint32_t total, uint32_t headers_len, struct span headers,
                         struct span payload)
{
    struct buf frame;
    buf_init(&frame, (size_t)1 << 20, 0);
    put_u32(&frame, total);
    put_u32(&frame, headers_len);
    put_u32(&frame, checksum(buf_span(&frame)));
    buf_append(&frame, headers);
    buf_append(&frame, payload);
    put_u32(&frame, checksum(buf_span(&frame)));
    buf_append(out, buf_span(&frame));
    buf_fini(&frame);
}

static void put_frame(struct buf *out, struct span headers, struct span payload)
{
    put_frame_of(out, (uint32_t)(16 + headers.len + payload.len), (uint32_t)headers.len, headers,
                 payload);
}

static void put_event(struct buf *out, const char *type, const char *payload)
{
    struct buf headers;
    buf_init(&headers, 1000, 0);
    put_string(&headers, ":event-type", type);
    put_string(&headers, ":content-type", "application/json");
    put_string(&headers, ":message-type", "event");
    put_frame(out, buf_span(&headers), span_from_string(payload));
    buf_fini(&headers);
}

/* ---- reading them ---- */

struct record {
    struct buf text; /* all that frames say */
    struct buf raw;
    int frames;
    int most; /* on_frame ends after so many; 0: never */
};

static void put_part(struct buf *text, struct span part)
{
    buf_append(text, part);
    buf_append_byte(text, '|');
}

static bool on_frame(void *argument, const struct event_frame *frame)
{
    struct record *record = argument;
    put_part(&record->text, frame->message_type);
    put_part(&record->text, frame->event_type);
    put_part(&record->text, frame->exception_type);
    put_part(&record->text, frame->error_code);
    put_part(&record->text, frame->error_message);
    put_part(&record->text, frame->payload);
    buf_append(&record->raw, frame->raw);
    return ++record->frames != record->most;
}

static void record_init(struct record *record)
{
    *record = (struct record){.frames = 0};
    buf_init(&record->text, (size_t)1 << 20, 0);
    buf_init(&record->raw, (size_t)1 << 20, 0);
}

static void record_fini(struct record *record)
{
    buf_fini(&record->text);
    buf_fini(&record->raw);
}

/* In memory of exactly its size, so that a read past the end is seen. */
static enum event_stream_fault feed_copy(struct event_stream *stream, struct span bytes,
                                         struct record *record)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    enum event_stream_fault fault =
        event_stream_feed(stream, span_make(copy, bytes.len), on_frame, record);
    free(copy);
    return fault;
}

/* In two pieces cut at `cut`, and the second in pieces of `step`. */
static enum event_stream_fault read_cut(struct span bytes, size_t cut, size_t step,
                                        struct record *record, bool *whole)
{
    struct event_stream stream;
    event_stream_init(&stream, CEILING);
    enum event_stream_fault fault = feed_copy(&stream, span_make(bytes.ptr, cut), record);
    for (bytes = span_from(bytes, cut); bytes.len > 0;) {
        size_t size = step < bytes.len ? step : bytes.len;
        fault = feed_copy(&stream, span_make(bytes.ptr, size), record);
        bytes = span_from(bytes, size);
    }
    *whole = event_stream_is_whole(&stream);
    event_stream_fini(&stream);
    return fault;
}

static void check(struct span bytes, enum event_stream_fault fault, bool whole, const char *says)
{
    static const size_t steps[] = {1, 5, SIZE_MAX};
    for (size_t cut = 0; cut <= bytes.len; cut++)
        for (size_t i = 0; i < 3; i++) {
            struct record record;
            bool ended;
            record_init(&record);
            assert_int_equal(read_cut(bytes, cut, steps[i], &record, &ended), fault);
            assert_int_equal(ended, whole);
            if (!span_equal(buf_span(&record.text), span_from_string(says)))
                fail_msg("got %.*s, expected %s", SPAN_ARG(buf_span(&record.text)), says);
            if (fault == EVENT_STREAM_FINE && whole)
                assert_true(span_equal(buf_span(&record.raw), bytes));
            record_fini(&record);
        }
}

/* ---- tests ---- */

static void reads_frames_cut_anywhere(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, (size_t)1 << 20, 0);
    check(SPAN_NONE, EVENT_STREAM_FINE, true, "");
    put_event(&out, "messageStart", "{\"role\":\"assistant\"}");
    put_frame(&out, SPAN_NONE, SPAN_NONE); /* the smallest there is */
    put_event(&out, "metadata", "{\"usage\":{}}");
    check(buf_span(&out), EVENT_STREAM_FINE, true,
          "event|messageStart||||{\"role\":\"assistant\"}|||||||"
          "event|metadata||||{\"usage\":{}}|");
    /* without the last byte it is no frame */
    check(span_make(buf_span(&out).ptr, buf_len(&out) - 1), EVENT_STREAM_FINE, false,
          "event|messageStart||||{\"role\":\"assistant\"}|||||||");
    buf_fini(&out);
}

/* A frame that the format's own description gives as an example would do the same. */
static void knows_the_checksum(void **state)
{
    (void)state;
    assert_int_equal(checksum(SPAN("123456789")), UINT32_C(0xCBF43926));
}

static void reads_exceptions_and_errors(void **state)
{
    (void)state;
    struct buf out;
    struct buf headers;
    buf_init(&out, (size_t)1 << 20, 0);
    buf_init(&headers, 1000, 0);
    put_string(&headers, ":message-type", "exception");
    put_string(&headers, ":exception-type", "throttlingException");
    put_frame(&out, buf_span(&headers), SPAN("{\"message\":\"slow\"}"));
    buf_reset(&headers, 1000);
    put_string(&headers, ":error-code", "internal");
    put_string(&headers, ":error-message", "m");
    put_string(&headers, ":message-type", "error");
    put_frame(&out, buf_span(&headers), SPAN_NONE);
    check(buf_span(&out), EVENT_STREAM_FINE, true,
          "exception||throttlingException|||{\"message\":\"slow\"}|error|||internal|m||");
    buf_fini(&headers);
    buf_fini(&out);
}

/* Others than strings are stepped over, also where a string was expected. */
static void steps_over_every_type(void **state)
{
    (void)state;
    static const struct {
        int type;
        struct span value;
    } rows[] = {{0, SPAN_INIT("")},         {1, SPAN_INIT("")},
                {2, SPAN_INIT("a")},        {3, SPAN_INIT("ab")},
                {4, SPAN_INIT("abcd")},     {5, SPAN_INIT("abcdefgh")},
                {6, SPAN_INIT("bytes")},    {7, SPAN_INIT("")},
                {8, SPAN_INIT("abcdefgh")}, {9, SPAN_INIT("0123456789abcdef")}};
    struct buf out;
    struct buf headers;
    buf_init(&out, (size_t)1 << 20, 0);
    buf_init(&headers, 1000, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put_header(&headers, "x", rows[i].type, rows[i].value);
    put_header(&headers, ":event-type", 6, SPAN("bytes"));
    put_string(&headers, ":message-type", "event");
    put_frame(&out, buf_span(&headers), SPAN("p"));
    check(buf_span(&out), EVENT_STREAM_FINE, true, "event|||||p|");
    buf_fini(&headers);
    buf_fini(&out);
}

static void refuses_headers_that_are_none(void **state)
{
    (void)state;
    static const struct span bad[] = {
        SPAN_INIT("\0\7\0\1a"),        /* no name */
        SPAN_INIT("\1x"),              /* no type */
        SPAN_INIT("\5x"),              /* a name cut off */
        SPAN_INIT("\1x\12"),           /* a type that there is not */
        SPAN_INIT("\1x\377"),          /* another */
        SPAN_INIT("\1x\7\0"),          /* a length cut off */
        SPAN_INIT("\1x\7\0\5abcd"),    /* a string cut off */
        SPAN_INIT("\1x\6\377\377abc"), /* bytes cut off */
        SPAN_INIT("\1x\5abcdefg"),     /* an integer cut off */
        SPAN_INIT("\1x\0\1"),          /* one whole, one not */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out;
        buf_init(&out, (size_t)1 << 20, 0);
        put_event(&out, "a", "1");
        put_frame(&out, bad[i], SPAN("payload that must not be read"));
        put_event(&out, "b", "2"); /* nothing after a fault */
        check(buf_span(&out), EVENT_STREAM_MALFORMED, false, "event|a||||1|");
        buf_fini(&out);
    }
}

static void refuses_lengths_that_contradict(void **state)
{
    (void)state;
    static const struct {
        uint32_t total;
        uint32_t headers;
        enum event_stream_fault fault;
    } rows[] = {
        {0, 0, EVENT_STREAM_MALFORMED},
        {15, 0, EVENT_STREAM_MALFORMED},
        {20, 5, EVENT_STREAM_MALFORMED},
        {20, UINT32_MAX, EVENT_STREAM_MALFORMED},
        {UINT32_MAX, UINT32_MAX - 15, EVENT_STREAM_MALFORMED},
        {(uint32_t)CEILING + 1, 0, EVENT_STREAM_TOO_LARGE},
        {UINT32_MAX, 0, EVENT_STREAM_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;
        buf_init(&out, (size_t)1 << 20, 0);
        put_frame_of(&out, rows[i].total, rows[i].headers, SPAN_NONE, SPAN("abcd"));
        check(buf_span(&out), rows[i].fault, false, "");
        buf_fini(&out);
    }
}

/* Exactly as large as the ceiling, in place and in pieces. */
static void the_ceiling_is_exact(void **state)
{
    (void)state;
    char *payload = malloc(CEILING);
    assert_non_null(payload);
    memset(payload, 'p', CEILING);
    for (size_t over = 0; over < 2; over++)
        for (size_t cut = 0; cut < 2; cut++) {
            struct buf out;
            struct record record;
            bool whole;
            record_init(&record);
            buf_init(&out, (size_t)1 << 20, 0);
            put_frame(&out, SPAN_NONE, span_make(payload, CEILING - 16 + over));
            assert_int_equal(
                read_cut(buf_span(&out), cut * 20, cut == 0 ? SIZE_MAX : 999, &record, &whole),
                over == 0 ? EVENT_STREAM_FINE : EVENT_STREAM_TOO_LARGE);
            assert_int_equal(record.frames, over == 0 ? 1 : 0);
            buf_fini(&out);
            record_fini(&record);
        }
    free(payload);
}

/* Any single bit that is wrong is seen; at worst the frame is still waited for (never so here: the
 * prelude has a checksum of its own). */
static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, (size_t)1 << 20, 0);
    put_event(&out, "metadata", "{\"usage\":{\"inputTokens\":7}}");
    size_t len = buf_len(&out);
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct record record;
        bool whole;
        memcpy(bytes, buf_span(&out).ptr, len);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        record_init(&record);
        assert_int_equal(read_cut(span_make(bytes, len), 0, SIZE_MAX, &record, &whole),
                         EVENT_STREAM_BAD_CHECKSUM);
        assert_int_equal(record.frames, 0);
        assert_false(whole);
        record_fini(&record);
    }
    free(bytes);
    buf_fini(&out);
    check(SPAN("{\"message\":\"no event stream\"}"), EVENT_STREAM_BAD_CHECKSUM, false, "");
}

static void the_reader_may_be_stopped(void **state)
{
    (void)state;
    struct buf out;
    struct record record;
    struct event_stream stream;
    record_init(&record);
    record.most = 1;
    buf_init(&out, (size_t)1 << 20, 0);
    put_event(&out, "a", "1");
    put_event(&out, "b", "2");
    event_stream_init(&stream, CEILING);
    assert_int_equal(feed_copy(&stream, buf_span(&out), &record), EVENT_STREAM_FINE);
    assert_int_equal(record.frames, 1);
    assert_true(event_stream_is_whole(&stream)); /* the rest was dropped */
    event_stream_fini(&stream);
    buf_fini(&out);
    record_fini(&record);
}

int test_event_stream(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_checksum),
        cmocka_unit_test(reads_frames_cut_anywhere),
        cmocka_unit_test(reads_exceptions_and_errors),
        cmocka_unit_test(steps_over_every_type),
        cmocka_unit_test(refuses_headers_that_are_none),
        cmocka_unit_test(refuses_lengths_that_contradict),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(the_reader_may_be_stopped),
    };
    return cmocka_run_group_tests_name("wire/event_stream", tests, NULL, NULL);
}
