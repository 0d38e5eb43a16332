/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and chunks, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/reply_writer.h"

#include <string.h>

int test_reply_writer(void);

static void assert_written(struct buf *buf, struct span expected)
{
    assert_false(buf_failed(buf));
    if (!span_equal(buf_span(buf), expected))
        print_error("wrote:\n%.*s\n", SPAN_ARG(buf_span(buf)));
    assert_true(span_equal(buf_span(buf), expected));
    buf_reset(buf, 0);
}

static void heads_have_the_right_framing(void **state)
{
    (void)state;
    const struct header fields[] = {
        {SPAN("Content-Type"), SPAN("application/json")},
        {SPAN("X-Empty"), SPAN_NONE},
    };
    struct buf buf;
    buf_init(&buf, 1000, 0);
    reply_write_head(&buf, 200, SPAN_NONE, fields, 2, REPLY_LENGTH, UINT64_MAX, true);
    assert_written(&buf, SPAN("HTTP/1.1 200 OK\r\n"
                              "Content-Type: application/json\r\n"
                              "X-Empty: \r\n"
                              "Content-Length: 18446744073709551615\r\n\r\n"));
    reply_write_head(&buf, 404, SPAN_NONE, NULL, 0, REPLY_LENGTH, 0, false);
    assert_written(&buf, SPAN("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n"));
    reply_write_head(&buf, 299, SPAN_NONE, fields, 1, REPLY_CHUNKED, 7, true);
    assert_written(&buf, SPAN("HTTP/1.1 299 Unknown\r\nContent-Type: application/json\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"));
    reply_write_head(&buf, 204, SPAN_NONE, NULL, 0, REPLY_NO_BODY, 7, true);
    assert_written(&buf, SPAN("HTTP/1.1 204 No Content\r\n\r\n"));
    reply_write_head(&buf, 200, SPAN("Tue, 24 Nov 2026 15:07:00 GMT"), fields, 1, REPLY_NO_BODY, 0,
                     true);
    assert_written(&buf, SPAN("HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 15:07:00 GMT\r\n"
                              "Content-Type: application/json\r\n\r\n"));
    reply_write_continue(&buf);
    assert_written(&buf, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    buf_fini(&buf);
}

static void replies_cannot_be_split(void **state)
{
    (void)state;
    const struct header fields[] = {
        {SPAN("X-A"), SPAN("1\r\nX-Evil: 1")}, {SPAN("X-B\r\nX-Evil"), SPAN("1")},
        {SPAN("X-C"), SPAN("a\nb")},           {SPAN("X-D"), SPAN("a\rb")},
        {SPAN("X-E"), SPAN("a\0b")},           {SPAN("X-F"), SPAN("fine\tand \xc3\xa9")},
    };
    struct buf buf;
    buf_init(&buf, 1000, 0);
    reply_write_head(&buf, 200, SPAN_NONE, fields, 6, REPLY_NO_BODY, 0, true);
    assert_written(&buf, SPAN("HTTP/1.1 200 OK\r\nX-F: fine\tand \xc3\xa9\r\n\r\n"));
    static const int odd[] = {0, 99, 1000, -1, -200};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        reply_write_head(&buf, odd[i], SPAN_NONE, NULL, 0, REPLY_NO_BODY, 0, true);
        assert_written(&buf, SPAN("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
    }
    buf_fini(&buf);
}

static void chunks_are_framed(void **state)
{
    (void)state;
    static char large[0x1234];
    struct buf buf;
    memset(large, 'x', sizeof(large));
    buf_init(&buf, 10000, 0);
    reply_write_chunk(&buf, SPAN("hello"));
    reply_write_chunk(&buf, SPAN_NONE);
    reply_write_chunk(&buf, SPAN("0123456789\r\n\0abc"));
    reply_write_last_chunk(&buf);
    assert_written(&buf, SPAN("5\r\nhello\r\n10\r\n0123456789\r\n\0abc\r\n0\r\n\r\n"));
    reply_write_chunk(&buf, span_make(large, sizeof(large)));
    assert_int_equal(buf_len(&buf), 6 + sizeof(large) + 2);
    assert_true(span_starts_with(buf_span(&buf), SPAN("1234\r\nxx")));
    assert_true(span_ends_with(buf_span(&buf), SPAN("x\r\n")));
    buf_fini(&buf);
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 20, 0);
    reply_write_head(&buf, 200, SPAN_NONE, NULL, 0, REPLY_LENGTH, 5, true);
    assert_true(buf_failed(&buf));
    buf_reset(&buf, 0);
    reply_write_chunk(&buf, SPAN("0123456789abcdef"));
    assert_true(buf_failed(&buf));
    buf_fini(&buf);
}

static void statuses_have_reasons(void **state)
{
    (void)state;
    assert_string_equal(status_reason(402), "Payment Required");
    assert_string_equal(status_reason(429), "Too Many Requests");
    assert_string_equal(status_reason(499), "Unknown");
    assert_string_equal(status_reason(529), "Unknown");
    assert_string_equal(status_reason(-1), "Unknown");
}

static void fields_are_safe_or_not(void **state)
{
    (void)state;
    assert_true(field_safe(SPAN_NONE));
    for (int c = 0; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b'};
        bool safe = c == '\t' || (c >= 0x20 && c != 0x7f);
        assert_int_equal(field_safe(span_make(text, sizeof(text))), safe);
    }
}

int test_reply_writer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_have_the_right_framing),
        cmocka_unit_test(replies_cannot_be_split),
        cmocka_unit_test(chunks_are_framed),
        cmocka_unit_test(a_full_buffer_says_so),
        cmocka_unit_test(statuses_have_reasons),
        cmocka_unit_test(fields_are_safe_or_not),
    };
    return cmocka_run_group_tests_name("wire/reply_writer", tests, NULL, NULL);
}
