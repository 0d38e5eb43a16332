/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the reader hands up, what it consumes, and the caps on what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "request_transcript.h"

int test_request_reader(void);

static void requests_come_out_as_sent(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("GET / HTTP/1.1\r\n" HOST "\r\n", "<GET / v1 len=0 keep|Host=a>."),
        F("GET /v1/models?x=1&y HTTP/1.1\r\n" HOST "\r\n",
          "<GET /v1/models?x=1&y v1 len=0 keep|Host=a>."),
        F("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "<GET / v1 len=0 keep|Host=a>."),
        F("POST /a HTTP/1.1\r\nhost:a\r\ncontent-length:5\r\n\r\nhello",
          "<POST /a v1 len=5 keep|host=a|content-length=5>hello."),
        F("POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
          "<POST /a v1 len=0 keep|Host=a|Content-Length=0>."),
        F("POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
          "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
          "<POST /a v1 len=-1 keep|Host=a|Transfer-Encoding=Chunked>hello world."),
        F("POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding:chunked\r\n\r\n0\r\n\r\n",
          "<POST /a v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>."),
        F("POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
          "A\r\n0123456789\r\n000\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n",
          "<POST /a v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>0123456789."),
        F("GET / HTTP/1.1\r\n" HOST "X:\r\nY: \r\nZ: \t a b \t \r\nW:\tw\r\n\r\n",
          "<GET / v1 len=0 keep|Host=a|X=|Y=|Z=a b|W=w>."),
        F("GET / HTTP/1.1\r\n" HOST "X: \xc3\xa9\xff\r\nX: two\r\n\r\n",
          "<GET / v1 len=0 keep|Host=a|X=\xc3\xa9\xff|X=two>."),
        F("GET http://a:80/x HTTP/1.1\r\nHost: A:80\r\n\r\n",
          "<GET http://a:80/x v1 len=0 keep|Host=A:80>."),
        F("OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
          "<OPTIONS * v1 len=0 keep|Host=[::1]:8080>."),
    };
    expect_each(fixtures, COUNT(fixtures));
}

static void other_methods_are_handed_up_as_text(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET",      "HEAD",  "POST",   "PUT",       "DELETE",
                                          "OPTIONS",  "TRACE", "PATCH",  "PURGE",     "M-SEARCH",
                                          "PROPFIND", "LINK",  "REPORT", "MKCALENDAR"};
    for (size_t i = 0; i < COUNT(methods); i++) {
        char input[100];
        char expected[100];
        snprintf(input, sizeof(input), "%s /x HTTP/1.1\r\n" HOST "\r\n", methods[i]);
        snprintf(expected, sizeof(expected), "<%s /x v1 len=0 keep|Host=a>.", methods[i]);
        expect(span_from_string(input), expected);
    }
}

static void connections_are_kept_or_not(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        /* What follows the last message is never looked at. */
        F("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
          "<GET / v1 len=0|Host=a|Connection=close>."),
        F("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: x, Close\r\n\r\n\0\n",
          "<GET / v1 len=0|Host=a|Connection=keep-alive|Connection=x, Close>."),
        F("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", "<GET / v0 len=0>."),
        F("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nokGET",
          "<POST / v0 len=2|Connection=keep-alive|Content-Length=2>ok."),
        F("GET / HTTP/1.1\r\n" HOST "Connection: closed, disclose\r\n\r\n",
          "<GET / v1 len=0 keep|Host=a|Connection=closed, disclose>."),
    };
    expect_each(fixtures, COUNT(fixtures));
}

static void pipelined_requests_come_one_by_one(void **state)
{
    (void)state;
    expect(SPAN("GET /1 HTTP/1.1\r\n" HOST "\r\n"
                "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc\r\n"
                "POST /3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                "POST /4 HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\n\r\n\r\n"
                "GET /5 HTTP/1.1\r\nHost: b\r\n\r\n"),
           "<GET /1 v1 len=0 keep|Host=a>."
           "<POST /2 v1 len=3 keep|Host=a|Content-Length=3>abc."
           "<POST /3 v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>x."
           "<POST /4 v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>."
           "<GET /5 v1 len=0 keep|Host=b>.");
}

static void consumed_is_exact(void **state)
{
    (void)state;
    static const struct {
        struct span first;
        struct span rest;
    } pairs[] = {
        {SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"), SPAN("GET /2")},
        {SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"), SPAN("\r\nGET")},
        {SPAN("PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), SPAN("x")},
        {SPAN("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
         SPAN("PUT")},
        {SPAN("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nA:b\r\n\r\n"),
         SPAN("\r")},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct record record = {0};
        char input[200];
        size_t consumed = 0;
        struct span first = pairs[i].first;
        memcpy(input, first.ptr, first.len);
        memcpy(input + first.len, pairs[i].rest.ptr, pairs[i].rest.len);
        buf_init(&record.text, 1000, 0);
        struct request_reader *reader = request_reader_new(&record_events, &record);
        assert_true(request_reader_idle(reader));
        struct span all = span_make(input, first.len + pairs[i].rest.len);
        assert_int_equal(request_reader_feed(reader, all, &consumed), ERR_NONE);
        assert_int_equal(consumed, first.len);
        assert_true(span_ends_with(buf_span(&record.text), SPAN(".")));
        assert_true(request_reader_idle(reader));
        assert_false(request_reader_in_body(reader));
        request_reader_free(&reader);
        buf_fini(&record.text);
    }
}

static void state_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        bool idle;
        bool in_body;
    } parts[] = {
        {"\r", true, false},
        {"\n", true, false},
        {"P", false, false},
        {"OST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r", false, false},
        {"\n", false, true},
        {"1\r\nx\r\n0\r\n", false, true},
        {"X: y\r\n", false, true},
        {"\r\n", true, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true, false},
    };
    struct record record = {0};
    size_t consumed = 0;
    buf_init(&record.text, 1000, 0);
    struct request_reader *reader = request_reader_new(&record_events, &record);
    for (size_t i = 0; i < COUNT(parts); i++) {
        struct span part = span_from_string(parts[i].part);
        assert_int_equal(request_reader_feed(reader, part, &consumed), ERR_NONE);
        assert_int_equal(consumed, part.len);
        assert_int_equal(request_reader_idle(reader), parts[i].idle);
        assert_int_equal(request_reader_in_body(reader), parts[i].in_body);
        request_reader_trim(reader); /* at any time; a head being read survives it */
    }
    assert_int_equal(request_reader_feed(reader, SPAN_NONE, &consumed), ERR_NONE);
    assert_int_equal(request_reader_feed(reader, SPAN("\n"), &consumed), ERR_MALFORMED_HTTP);
    assert_false(request_reader_idle(reader));
    /* The error stays. */
    assert_int_equal(request_reader_feed(reader, SPAN("GET / HTTP/1.1\r\n"), &consumed),
                     ERR_MALFORMED_HTTP);
    request_reader_free(&reader);
    request_reader_free(&reader);
    buf_fini(&record.text);
}

static void on_head_can_stop_the_reader(void **state)
{
    (void)state;
    struct span input = SPAN("GET /1 HTTP/1.1\r\n" HOST "\r\n"
                             "POST /stop HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                             "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    for (size_t step = 1; step <= input.len; step++) {
        char *text = transcript(input, step, step, "/stop");
        assert_string_equal(text, "<GET /1 v1 len=0 keep|Host=a>."
                                  "<POST /stop v1 len=3 keep|Host=a|Content-Length=3>");
        free(text);
    }
}

static void expectations_are_checked(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nok",
          "<POST / v1 len=2 keep continue|Host=a|Expect=100-Continue|Content-Length=2>ok."),
        F("POST / HTTP/1.1\r\n" HOST
          "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "<POST / v1 len=-1 keep continue|Host=a|Expect=100-continue|Transfer-Encoding=chunked>."),
        F("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n",
          "<GET / v1 len=0 keep|Host=a|Expect=100-continue>."),
        F("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
          "<POST / v0 len=1|Expect=100-continue|Content-Length=1>x."),
        F("GET / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", "!expectation"),
        F("GET / HTTP/1.1\r\n" HOST "Expect:\r\n\r\n", "!expectation"),
        F("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n", "!expectation"),
        F("GET / HTTP/1.1\r\nExpect: x\r\n\r\n", "!malformed_http"),
    };
    expect_each(fixtures, COUNT(fixtures));
}

static void protocols_are_never_switched(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        F("GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
          "GET /2 HTTP/1.1\r\n" HOST "\r\n",
          "<GET / v1 len=0 keep|Host=a|Connection=Upgrade|Upgrade=websocket>."
          "<GET /2 v1 len=0 keep|Host=a>."),
        F("POST / HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n"
          "\r\nokGET /2 HTTP/1.1\r\n" HOST "\r\n",
          "<POST / v1 len=2 keep|Host=a|Connection=upgrade|Upgrade=h2c|Content-Length=2>ok."
          "<GET /2 v1 len=0 keep|Host=a>."),
        F("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "!malformed_http"),
        F("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 2\r\n\r\nok",
          "!malformed_http"),
        F("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!malformed_http"),
        F("PRI * HTTP/1.1\r\n" HOST "\r\nSM\r\n\r\n", "!malformed_http"),
        F("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "!malformed_http"),
    };
    expect_each(fixtures, COUNT(fixtures));
}

/* A text of `count` times `part` between two others, as malloc'ed span. */
static struct span repeat(const char *before, const char *part, size_t count, const char *after)
{
    struct buf buf;
    buf_init(&buf, 1 << 20, 0);
    buf_append(&buf, span_from_string(before));
    for (size_t i = 0; i < count; i++)
        buf_append(&buf, span_from_string(part));
    buf_append(&buf, span_from_string(after));
    assert_false(buf_failed(&buf));
    return buf_span(&buf);
}

/* The end of what comes out, whole and byte by byte. */
static void expect_end(const char *before, const char *part, size_t count, const char *after,
                       const char *end)
{
    struct span input = repeat(before, part, count, after);
    char *whole = transcript(input, input.len, 1, NULL);
    char *bytes = transcript(input, 1, 1, NULL);
    assert_true(span_ends_with(span_from_string(whole), span_from_string(end)));
    assert_string_equal(whole, bytes);
    free(whole);
    free(bytes);
    free((void *)(uintptr_t)input.ptr);
}

static void caps_hold_to_the_byte(void **state)
{
    (void)state;
    const char *end = " HTTP/1.1\r\n" HOST "\r\n";
    expect_end("GET /", "a", REQUEST_MAX_TARGET - 1, end, "|Host=a>.");
    expect_end("GET /", "a", REQUEST_MAX_TARGET, end, "!uri_too_long");
    expect_end("GET /", "a", 1 << 17, "", "!uri_too_long");

    const char *start = "GET / HTTP/1.1\r\n" HOST; /* 5 bytes of name and value */
    expect_end(start, "X:y\r\n", REQUEST_MAX_HEADERS - 1, "\r\n", "|X=y>.");
    expect_end(start, "X:y\r\n", REQUEST_MAX_HEADERS, "\r\n", "!headers_too_large");
    expect_end("GET / HTTP/1.1\r\n" HOST "X: ", "y", REQUEST_MAX_HEAD - 6, "\r\n\r\n", "y>.");
    expect_end("GET / HTTP/1.1\r\n" HOST "X: ", "y", REQUEST_MAX_HEAD - 5, "\r\n\r\n",
               "!headers_too_large");
    expect_end(start, "N", REQUEST_MAX_HEAD, ": x\r\n\r\n", "!headers_too_large");
    expect_end("", "A", 1 << 17, " / HTTP/1.1\r\n", "!malformed_http");
}

static void bodies_have_caps_on_what_is_no_body(void **state)
{
    (void)state;
    const char *chunked = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    char start[200];
    snprintf(start, sizeof(start), "%s1;x=", chunked);
    expect_end(start, "a", 1000, "\r\nz\r\n0\r\n\r\n", ">z.");
    expect_end(start, "a", 65536, "\r\nz\r\n0\r\n\r\n", ">!malformed_http");
    /* Many small ones add up. */
    expect_end(chunked, "1;ab=cd\r\nz\r\n", 300, "0\r\n\r\n", "!malformed_http");
    snprintf(start, sizeof(start), "%s0\r\n", chunked);
    expect_end(start, "X:y\r\n", REQUEST_MAX_HEADERS, "\r\n", ">.");
    expect_end(start, "X:y\r\n", REQUEST_MAX_HEADERS + 1, "\r\n", ">!headers_too_large");
    snprintf(start, sizeof(start), "%s0\r\nX:", chunked);
    expect_end(start, "y", REQUEST_MAX_HEAD, "\r\n\r\n", ">!headers_too_large");
}

static void a_large_head_is_forgotten(void **state)
{
    (void)state;
    struct span input = repeat("GET / HTTP/1.1\r\n" HOST "X: ", "y", 30000, "\r\n\r\n");
    struct record record = {0};
    size_t consumed = 0;
    buf_init(&record.text, 1 << 20, 0);
    struct request_reader *reader = request_reader_new(&record_events, &record);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(request_reader_feed(reader, input, &consumed), ERR_NONE);
        assert_int_equal(consumed, input.len);
        request_reader_trim(reader);
    }
    buf_reset(&record.text, 0);
    assert_int_equal(request_reader_feed(reader, SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"), &consumed),
                     ERR_NONE);
    assert_true(span_equal(buf_span(&record.text), SPAN("<GET / v1 len=0 keep|Host=a>.")));
    request_reader_free(&reader);
    buf_fini(&record.text);
    free((void *)(uintptr_t)input.ptr);
}

int test_request_reader(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_out_as_sent),
        cmocka_unit_test(other_methods_are_handed_up_as_text),
        cmocka_unit_test(connections_are_kept_or_not),
        cmocka_unit_test(pipelined_requests_come_one_by_one),
        cmocka_unit_test(consumed_is_exact),
        cmocka_unit_test(state_is_told),
        cmocka_unit_test(on_head_can_stop_the_reader),
        cmocka_unit_test(expectations_are_checked),
        cmocka_unit_test(protocols_are_never_switched),
        cmocka_unit_test(caps_hold_to_the_byte),
        cmocka_unit_test(bodies_have_caps_on_what_is_no_body),
        cmocka_unit_test(a_large_head_is_forgotten),
    };
    return cmocka_run_group_tests_name("wire/request_reader", tests, NULL, NULL);
}
