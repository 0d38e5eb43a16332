/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the reader refuses: lines, framing, routing and chunks that parsers disagree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "request_transcript.h"

int test_request_refused(void);

static void malformed_request_lines_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\n" HOST "\r\n",
        "GET /  HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1 \r\n" HOST "\r\n",
        " GET / HTTP/1.1\r\n" HOST "\r\n",
        "GET\t/ HTTP/1.1\r\n" HOST "\r\n",
        "GET HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\n" HOST "\r\n",
        "GET / HTTP/1.1\r" HOST "\r\n",
        "GET /a b HTTP/1.1\r\n" HOST "\r\n",
        "GET / http/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1\r\n" HOST "\r\n",
        "GET / HTTP/01.01\r\n" HOST "\r\n",
        "GET / HTTP/ 1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.2\r\n" HOST "\r\n",
        "GET / HTTP/0.9\r\n" HOST "\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n",
        "GET / HTTP/9.9\r\n" HOST "\r\n",
        "GET / ICE/1.0\r\n" HOST "\r\n",
        "OPTIONS / RTSP/1.0\r\n" HOST "\r\n",
        "get / HTTP/1.1\r\n" HOST "\r\n",
        "FOOBAR / HTTP/1.1\r\n" HOST "\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "\rGET / HTTP/1.1\r\n" HOST "\r\n",
        "\x89\x89\x1c"
        "GET",
        /* the target */
        "GET a HTTP/1.1\r\n" HOST "\r\n",
        "GET * HTTP/1.1\r\n" HOST "\r\n",
        "GET /#f HTTP/1.1\r\n" HOST "\r\n",
        "GET /a\\b HTTP/1.1\r\n" HOST "\r\n",
        "GET /\"a\" HTTP/1.1\r\n" HOST "\r\n",
        "GET /<a HTTP/1.1\r\n" HOST "\r\n",
        "GET /?>a HTTP/1.1\r\n" HOST "\r\n",
        "GET /caf\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
        "GET /\x7f HTTP/1.1\r\n" HOST "\r\n",
        "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n",
        "GET http://b/ HTTP/1.1\r\n" HOST "\r\n",
        "GET http://x@a/ HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect(span_from_string(wrong[i]), "!malformed_http");
    expect(SPAN("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), "!malformed_http");
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\n" HOST "X: 1\nY: 2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X:\nY: 2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: 1\rY: 2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "\n",
        "GET / HTTP/1.1\r\n" HOST "\rZ",
        "GET / HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: 1\r\n\t2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X:\r\n 2\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X\r\n : 2\r\n\r\n",
        "GET / HTTP/1.1\r\n " HOST "\r\n",
        "GET / HTTP/1.1\r\n \r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "X : 1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X\t: 1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ": 1\r\n\r\n",
        "GET / HTTP/1.1\r\n: 1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X[1]: 1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X-T\xc3\xabst: 1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\x0b\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect(span_from_string(wrong[i]), "!malformed_http");
    expect(SPAN("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"), "!malformed_http");
    expect(SPAN("GET / HTTP/1.1\r\n" HOST "X\0: a\r\n\r\n"), "!malformed_http");
}

static void ambiguous_fields_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        /* whom it is for */
        "",
        "Host: \r\n",
        HOST HOST,
        HOST "host: b\r\n",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "Host: u@a\r\n",
        "Host: a/b\r\n",
        "Host: a:b\r\n",
        "Host: a:65536\r\n",
        "Host: a:\r\n",
        "Host: ::1\r\n",
        "Host: [::1\r\n",
        "Host: [a]\r\n",
        "Host: [::1]8\r\n",
        "Host: \"a\"\r\n",
        "Host: a%2f\r\n",
        HOST "Content-Type: a/b\r\nContent-Type: a/b\r\n",
        /* where it ends */
        HOST "Content-Length: 5\r\nContent-Length: 6\r\n",
        HOST "Content-Length: 5\r\nContent-Length: 5\r\n",
        HOST "Content-Length: 5, 5\r\n",
        HOST "Content-Length:\r\n",
        HOST "Content-Length: +5\r\n",
        HOST "Content-Length: -0\r\n",
        HOST "Content-Length: -5\r\n",
        HOST "Content-Length: 0x5\r\n",
        HOST "Content-Length: 5_0\r\n",
        HOST "Content-Length: 1 0\r\n",
        HOST "Content-Length: 005\r\n",
        HOST "Content-Length: 00\r\n",
        HOST "Content-Length: abc\r\n",
        HOST "Content-Length: 9223372036854775808\r\n",
        HOST "Content-Length: 18446744073709551616\r\n",
        HOST "Content-Length: 99999999999999999999\r\n",
        HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: gzip, chunked\r\n",
        HOST "Transfer-Encoding: chunked, identity\r\n",
        HOST "Transfer-Encoding: chunked, chunked\r\n",
        HOST "Transfer-Encoding: , chunked\r\n",
        HOST "Transfer-Encoding: chunked,\r\n",
        HOST "Transfer-Encoding: chunked;x=y\r\n",
        HOST "Transfer-Encoding: \"chunked\"\r\n",
        HOST "Transfer-Encoding: xchunked\r\n",
        HOST "Transfer-Encoding: chunkedchunked\r\n",
        HOST "Transfer-Encoding: identity\r\n",
        HOST "Transfer-Encoding: gzip\r\n",
        HOST "Transfer-Encoding:\r\n",
        HOST "Transfer-Encoding: \x0b"
             "chunked\r\n",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char input[300];
        snprintf(input, sizeof(input), "POST / HTTP/1.1\r\n%s\r\n", wrong[i]);
        expect(span_from_string(input), "!malformed_http");
    }
    expect(SPAN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           "!malformed_http");
    expect(SPAN("GET / HTTP/1.0\r\nHost: \r\n\r\n"), "!malformed_http");
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *delivered;
    } wrong[] = {
        {"0x5\r\nhello\r\n0\r\n\r\n", ""},
        {"+5\r\nhello\r\n", ""},
        {"-1\r\nhello\r\n", ""},
        {"5_0\r\nhello\r\n", ""},
        {" 5\r\nhello\r\n", ""},
        {"5 \r\nhello\r\n", ""},
        {"5\nhello\r\n", ""},
        {"5\rhello\r\n", ""},
        {"5;\nhello\r\n", ""},
        {"5;a\rX\r\nhello\r\n", ""},
        {"\r\nhello\r\n", ""},
        {"g\r\nhello\r\n", ""},
        {"FFFFFFFFFFFFFFFFF\r\nhello\r\n", ""},
        {"10000000000000000\r\nhello\r\n", ""},
        {"5\r\nhello0\r\n\r\n", "hello"},
        {"5\r\nhello!!\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r0\r\n\r\n", "hello"},
        /* trailers */
        {"0\r\n\n", ""},
        {"0\r\n\rX", ""},
        {"0\r\n X: y\r\n\r\n", ""},
        {"0\r\nX: y\r\n z\r\n\r\n", ""},
        {"0\r\nX: y\nZ: z\r\n\r\n", ""},
        {"0\r\nX : y\r\n\r\n", ""},
        {"0\r\nX\r\n\r\n", ""},
        {"0\r\nContent-Length: 5\r\n\r\n", ""},
        {"0\r\ntransfer-encoding: chunked\r\n\r\n", ""},
        {"0\r\nHost: evil\r\n\r\n", ""},
        {"0\r\nAuthorization: Bearer x\r\n\r\n", ""},
        {"0\r\nContent-Type: a/b\r\n\r\n", ""},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char input[300];
        char expected[300];
        snprintf(input, sizeof(input),
                 "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s", wrong[i].body);
        snprintf(expected, sizeof(expected),
                 "<POST / v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>%s!malformed_http",
                 wrong[i].delivered);
        expect(span_from_string(input), expected);
    }
    expect(SPAN("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5;\0x\r\nhello\r\n"),
           "<POST / v1 len=-1 keep|Host=a|Transfer-Encoding=chunked>!malformed_http");
}

int test_request_refused(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_request_lines_are_refused),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(ambiguous_fields_are_refused),
        cmocka_unit_test(malformed_chunks_are_refused),
    };
    return cmocka_run_group_tests_name("wire/request_refused", tests, NULL, NULL);
}
